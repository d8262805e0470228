import { Suspense, lazy, useState } from 'react'

import type { Interval } from '../../api/client'
import { useCandles, useMark, useSummary, useTrades } from '../../api/queries'
import { price } from '../../format/numbers'
import { Choice } from '../../ui/Choice'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'

const Candles = lazy(() => import('./Candles'))
const INTERVALS = ['1m', '5m', '15m', '1h'] as const satisfies readonly Interval[]
const NO_TRADES: never[] = []

export function MarketPanel() {
  const assets = useSummary().data?.assets
  const [chosen, setChosen] = useState<string | null>(null)
  const [interval, setInterval] = useState<(typeof INTERVALS)[number]>('1m')
  const asset = chosen ?? assets?.[0] ?? 'BTC'
  const query = useCandles(asset, interval)
  const trades = useTrades(asset).data?.trades ?? NO_TRADES
  return (
    <Panel
      title="Market"
      aside={<MarkPrice asset={asset} />}
      tools={
        <>
          <Choice label="Asset" options={assets ?? [asset]} value={asset} onChange={setChosen} />
          <Choice label="Interval" options={INTERVALS} value={interval} onChange={setInterval} />
        </>
      }
      className="market"
    >
      <View
        query={query}
        lines={7}
        empty={(series) => series.candles.length === 0}
        whyEmpty={`No candle of ${asset} has been recorded yet. The first appears when the collector has seen a full minute.`}
      >
        {(series) => (
          <>
            <Suspense fallback={<div className="candles" />}>
              <Candles asset={asset} interval={interval} candles={series.candles} trades={trades} />
            </Suspense>
            <p className="key">
              <span className="is-ink">▲</span> long entry <span className="is-ink">▼</span> short entry{' '}
              <span className="is-up">●</span>
              <span className="is-down">●</span> exit with its P&L
            </p>
          </>
        )}
      </View>
    </Panel>
  )
}

function MarkPrice({ asset }: { asset: string }) {
  const mark = useMark(asset).data
  if (!mark) return null
  return (
    <>
      mark <strong data-testid="mark">{price(mark.price)}</strong>
    </>
  )
}
