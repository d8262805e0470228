import { useState } from 'react'

import type { OpenPosition } from '../../api/client'
import { usePositions } from '../../api/queries'
import { CommandDialog } from '../../ui/CommandDialog'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'
import { PositionsTable } from './PositionsTable'
import { heldName } from './ahead'

export function PositionsPanel() {
  const query = usePositions()
  const [closing, setClosing] = useState<OpenPosition | null>(null)
  return (
    <>
      <Panel
        title="Open positions"
        aside={query.data?.length ? `${query.data.length}` : ''}
        tools={<a className="button is-quiet" href="#/trades">All trades</a>}
        className="positions"
      >
        <View
          query={query}
          lines={3}
          empty={(positions) => positions.length === 0}
          whyEmpty="Nothing is held right now. A position appears here as soon as the broker acts on a signal."
        >
          {(positions) => <PositionsTable positions={positions} onClose={setClosing} />}
        </View>
      </Panel>
      {closing ? (
        <CommandDialog
          verb="close"
          target={{ position: closing.id }}
          title={`Close ${closing.direction} ${heldName(closing)} of ${closing.strategy}`}
          onClose={() => { setClosing(null) }}
        >
          The broker closes it at the mark of the moment, made worse by slippage, with the reason “closed by hand”. The
          strategy goes on and may open it again; pause it to prevent that.
        </CommandDialog>
      ) : null}
    </>
  )
}
