import { useMemo } from 'react'

import type { ProbabilitySeries, TradeRow } from '../api/client'
import { percent } from '../format/numbers'
import { LineChart } from './LazyLineChart'
import type { Level } from './candleChart'
import { dots, polls } from './probability'
import type { Held } from './probability'

interface Props {
  series: ProbabilitySeries
  trades: readonly TradeRow[]
  /** In terms of which token: LONG holds YES, SHORT holds NO. */
  held?: Held
  /** Prices of the token held, such as a stop. */
  levels?: readonly Level[]
}

const NO_LEVELS: readonly Level[] = []

/** The probability of one market over time, with what was traded on it. */
export function ProbabilityChart({ series, trades, held = 'LONG', levels = NO_LEVELS }: Props) {
  const { start_ms, end_ms, title, id } = series
  const token = held === 'LONG' ? 'YES or Up' : 'NO or Down'
  const points = useMemo(() => polls(series, held), [series, held])
  const events = useMemo(() => dots(trades, held), [trades, held])
  const line = (name: 'probability' | 'bid' | 'ask') => points.map((point) => ({ t: point.t, value: point[name] }))
  const times = [...points, ...events].map(({ t }) => t)
  const [first, last] = [Math.min(...times), Math.max(...times)]
  const marks = [
    { t: start_ms ?? -1, text: 'opens' },
    { t: end_ms, text: 'ends' },
  ].filter(({ t }) => t >= first && t <= last)
  return (
    <>
      <LineChart
        series={[
          { name: 'bid', label: 'Bid', colour: 'var(--line-strong)', points: line('bid') },
          { name: 'ask', label: 'Ask', colour: 'var(--line-strong)', dashed: true, points: line('ask') },
          { name: 'probability', label: 'Probability', colour: 'var(--accent)', points: line('probability') },
        ]}
        label={`Probability of ${title ?? id} over time, with ${events.length} entries and exits; the figures are in the tables.`}
        format={(value) => percent(value, 0)}
        domain={[0, 1]}
        levels={[{ value: 0.5 }, ...levels.map(({ price, title: text, colour }) => ({ value: price, text, colour: `var(--${colour})` }))]}
        marks={marks}
        dots={events}
      />
      <p className="key">
        <span className="swatch" style={{ background: 'var(--accent)' }} /> the middle of best bid and best ask of the {token} token; grey: bid
        and ask. Where a side of the book was empty there is no point.
        {events.length ? ' Dots: entries, and exits with their P&L.' : ''}
      </p>
    </>
  )
}
