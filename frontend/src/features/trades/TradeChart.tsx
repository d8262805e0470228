import { useEffect, useMemo, useRef } from 'react'

import type { CandlePoint, TradeDetail } from '../../api/client'
import { useEventTime } from '../../api/queries'
import { useProbability } from '../../api/research'
import { useTradeCandles } from '../../api/trades'
import { price } from '../../format/numbers'
import { CandleChart } from '../../ui/candleChart'
import type { Level } from '../../ui/candleChart'
import { ProbabilityChart } from '../../ui/ProbabilityChart'
import { View } from '../../ui/View'
import { markers } from '../../ui/markers'
import { isUndrawn } from '../../ui/probability'
import { useIsDark } from '../../ui/theme'
import { around } from './window'

/** A trade in a coin on its candles; one in a token on the probability of its market. */
export function TradeChart({ detail }: { detail: TradeDetail }) {
  return detail.trade.exchange === 'polymarket' ? <OnProbability detail={detail} /> : <OnCandles detail={detail} />
}

function OnProbability({ detail }: { detail: TradeDetail }) {
  const { trade } = detail
  const query = useProbability(trade.instrument)
  const trades = useMemo(() => [trade], [trade])
  const levels = useMemo(() => levelsOf(detail).filter(({ title }) => title === 'stop' || title === 'target'), [detail])
  return (
    <View
      query={query}
      lines={8}
      empty={isUndrawn}
      whyEmpty="The polls of this market are no longer stored. The executions below are at the prices of the token held."
    >
      {(series) => (
        <div className="trade-probability" data-testid="trade-probability">
          <ProbabilityChart series={series} trades={trades} held={trade.direction} levels={levels} />
        </div>
      )}
    </View>
  )
}

function OnCandles({ detail }: { detail: TradeDetail }) {
  const { trade } = detail
  const eventTimeMs = useEventTime()
  // An open trade's chart ends with market time, a minute at a time: the question must not change with every message.
  const end = trade.exit_ms ?? Math.max(trade.entry_ms, Math.floor((eventTimeMs ?? 0) / 60_000) * 60_000)
  const { interval, intervalMs, from, to } = around(trade.entry_ms, end)
  const query = useTradeCandles(trade.asset, interval, from, to)
  return (
    <View
      query={query}
      lines={8}
      empty={({ candles }) => candles.length === 0}
      whyEmpty={`The candles of ${trade.asset} around this trade are no longer stored. Its executions stand below.`}
    >
      {({ candles }) => <Drawn detail={detail} candles={candles} intervalMs={intervalMs} />}
    </View>
  )
}

function levelsOf({ trade, stop_price: stop, target_price: target }: TradeDetail): Level[] {
  const found: Level[] = [{ price: Number(trade.entry_price), title: 'entry', colour: 'ink' }]
  if (stop !== null) found.push({ price: Number(stop), title: 'stop', colour: 'down' })
  if (target !== null) found.push({ price: Number(target), title: 'target', colour: 'up' })
  if (trade.exit_price !== null) found.push({ price: Number(trade.exit_price), title: 'exit', colour: 'accent' })
  return found
}

interface DrawnProps {
  detail: TradeDetail
  candles: CandlePoint[]
  intervalMs: number
}

function Drawn({ detail, candles, intervalMs }: DrawnProps) {
  const element = useRef<HTMLDivElement>(null)
  const chart = useRef<CandleChart | null>(null)
  const dark = useIsDark()
  const levels = useMemo(() => levelsOf(detail), [detail])
  const marks = useMemo(() => markers([detail.trade], candles, intervalMs), [detail.trade, candles, intervalMs])

  useEffect(() => {
    if (!element.current) return
    const made = new CandleChart(element.current)
    chart.current = made
    return () => {
      chart.current = null
      made.remove()
    }
  }, [])

  useEffect(() => {
    chart.current?.replace(candles, false)
    chart.current?.fit()
  }, [candles])

  useEffect(() => {
    // One frame later the style sheet has the colours of the theme.
    const frame = requestAnimationFrame(() => {
      chart.current?.recolour()
      chart.current?.setMarkers(marks)
      chart.current?.setLevels(levels)
    })
    return () => {
      cancelAnimationFrame(frame)
    }
  }, [marks, levels, dark])

  const said = levels.map((level) => `${level.title} ${price(level.price)}`).join(', ')
  return (
    <div
      ref={element}
      className="trade-chart"
      role="img"
      aria-label={`Candles of ${detail.trade.asset} around the trade with its levels: ${said}`}
      data-testid="trade-chart"
      data-candles={candles.length}
    />
  )
}
