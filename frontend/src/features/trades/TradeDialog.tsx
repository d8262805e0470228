import type { TradeDetail } from '../../api/client'
import { useTrade } from '../../api/trades'
import { signedUsd } from '../../format/numbers'
import { words } from '../../format/words'
import { Dialog } from '../../ui/Dialog'
import { Amount } from '../../ui/Figure'
import { View } from '../../ui/View'
import { Costs, Fills, Inputs, Levels } from './Parts'
import { LineageSteps } from './LineageSteps'
import { TradeChart } from './TradeChart'
import { instrumentName } from './columns'

interface Props {
  id: string
  onClose: () => void
}

/** One trade whole: chart, costs, levels, inputs, fills, and the chain down to the market's messages. */
export default function TradeDialog({ id, onClose }: Props) {
  const query = useTrade(id)
  return (
    <Dialog wide label="One trade" title={query.data ? <Title detail={query.data} /> : 'Trade'} onClose={onClose}>
      <View query={query} lines={10}>
        {(detail) => (
          <div data-testid="trade">
            <TradeChart detail={detail} />
            <div className="trade-parts">
              <Costs detail={detail} />
              <Levels detail={detail} />
              <Inputs title="What the strategy saw" signal={detail.opened_by} />
              {detail.closed_by ? <Inputs title="What closed it" signal={detail.closed_by} /> : null}
            </div>
            <Fills detail={detail} />
            <LineageSteps id={id} />
          </div>
        )}
      </View>
    </Dialog>
  )
}

function Title({ detail: { trade } }: { detail: TradeDetail }) {
  return (
    <>
      <span className={`side is-${trade.direction === 'LONG' ? 'up' : 'down'}`}>{trade.direction}</span>{' '}
      {instrumentName(trade)} {trade.market?.title ? <small>{trade.market.title} ·</small> : null} <small>{trade.strategy}</small>{' '}
      {trade.realised_pnl === null ? (
        <span className="is-open">open</span>
      ) : (
        <>
          <Amount of={trade.realised_pnl}>{signedUsd(trade.realised_pnl)}</Amount>{' '}
          <small>{words(trade.exit_reason ?? '')}</small>
        </>
      )}
    </>
  )
}
