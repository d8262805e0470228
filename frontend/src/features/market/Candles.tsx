import { useEffect, useMemo, useRef } from 'react'

import type { CandlePoint, Interval, TradeRow } from '../../api/client'
import { useClosedCandles, useMark } from '../../api/queries'
import { price } from '../../format/numbers'
import { CandleChart } from '../../ui/candleChart'
import { markers } from '../../ui/markers'
import { useIsDark } from '../../ui/theme'
import { INTERVAL_MS, grown, lastMinute } from './merge'

interface Props {
  asset: string
  interval: Interval
  candles: CandlePoint[]
  trades: TradeRow[]
}

export default function Candles({ asset, interval, candles, trades }: Props) {
  const element = useRef<HTMLDivElement>(null)
  const chart = useRef<CandleChart | null>(null)
  const last = useRef<CandlePoint | undefined>(undefined)
  const applied = useRef(0)
  const fitted = useRef('')
  const dark = useIsDark()
  const closed = useClosedCandles(asset).data
  const mark = useMark(asset).data
  const intervalMs = INTERVAL_MS[interval]
  const marks = useMemo(() => markers(trades, candles, intervalMs), [trades, candles, intervalMs])

  useEffect(() => {
    if (!element.current) return
    const made = new CandleChart(element.current)
    chart.current = made
    return () => {
      chart.current = null
      fitted.current = ''
      made.remove()
    }
  }, [])

  useEffect(() => {
    const shown = `${asset} ${interval}`
    const newest = candles.at(-1)
    if (fitted.current !== shown) chart.current?.forgetMark()
    chart.current?.replace(candles, fitted.current !== shown)
    fitted.current = shown
    last.current = newest
    applied.current = newest ? lastMinute(newest.t, intervalMs) : 0
  }, [asset, interval, intervalMs, candles])

  useEffect(() => {
    for (const minute of closed ?? []) {
      if (minute.t <= applied.current) continue
      applied.current = minute.t
      last.current = grown(last.current, minute, intervalMs)
      chart.current?.update(last.current)
    }
  }, [closed, candles, intervalMs])

  useEffect(() => {
    chart.current?.setMarkers(marks)
  }, [marks, dark])

  useEffect(() => {
    if (mark) chart.current?.setMark(Number(mark.price))
  }, [mark, asset, interval])

  useEffect(() => {
    // One frame later the style sheet has the new colours.
    const frame = requestAnimationFrame(() => chart.current?.recolour())
    return () => {
      cancelAnimationFrame(frame)
    }
  }, [dark])

  const latest = candles.at(-1)
  return (
    <div
      ref={element}
      className="candles"
      role="img"
      aria-label={latest ? `Candles of ${asset}, last close ${price(latest.c)}` : `Candles of ${asset}`}
      data-testid="candles"
      data-candles={candles.length}
    />
  )
}
