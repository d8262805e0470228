import { useMemo, useState } from 'react'
import { Area, CartesianGrid, ComposedChart, Line, LineChart, ReferenceArea, ReferenceLine, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts'

import { amount, percent } from '../../format/numbers'
import { clock, day, isMidnight } from '../../format/times'
import { timeTicks } from '../../ui/timeTicks'
import { Readout } from './Readout'
import { amountTicks, deepest, fallTicks } from './merge'
import type { MomentRow } from './merge'
import { PORTFOLIO } from './series'
import type { Series } from './series'
import { widened } from './shading'
import type { Shade } from './shading'

interface Props {
  rows: MomentRow[]
  shown: readonly Series[]
  /** Whose drawdown is drawn. */
  fallen: readonly Series[]
  shaded: readonly Shade[]
  /** Curves that stand still between two points, such as those of closed positions. */
  stepped: ReadonlySet<string>
  initialCapital: number
}

const AXIS = { fontSize: 11, fill: 'var(--ink-faint)' }
const MARGIN = { top: 8, right: 8, bottom: 0, left: 0 }
const AXIS_WIDTH = 62
const LINKED = 'equity'
const LINE = { dot: false, connectNulls: true, isAnimationActive: false } as const

/** Equity above, drawdown below, one crosshair through both. */
export default function EquityChart({ rows, shown, fallen, shaded, stepped, initialCapital }: Props) {
  const [wide] = useState(() => window.matchMedia('(min-width: 700px)').matches)
  const drawn = useMemo(() => rows.filter((row) => shown.some(({ name }) => name in row.values)), [rows, shown])
  const [first, last] = [drawn[0]?.t ?? 0, drawn.at(-1)?.t ?? 0]
  const { ticks, daily } = timeTicks(first, last, wide ? 8 : 4)
  const amounts = useMemo(() => amountTicks(drawn, shown.map(({ name }) => name), wide ? 6 : 5), [drawn, shown, wide])
  const falls = useMemo(() => fallTicks(deepest(drawn, fallen.map(({ name }) => name))), [drawn, fallen])
  const digits = (amounts[1] ?? 1) - (amounts[0] ?? 0) < 1 ? 2 : 0
  const tick = (t: number) => (daily || isMidnight(t) ? day(t) : clock(t))
  const whole: [number, number] = [first, last]
  const time = { dataKey: 't', type: 'number', domain: whole, ticks, tickLine: false } as const
  const alone = fallen.length === 1
  const seen = useMemo(() => widened(shaded, first, last, wide ? 400 : 120), [shaded, first, last, wide])
  const gaps = seen.map(({ from, to }) => (
    <ReferenceArea key={from} x1={from} x2={to} fill="var(--warn)" fillOpacity={0.28} ifOverflow="hidden" />
  ))
  return (
    <>
      <div className="chart-main" role="img" aria-label="Equity over time; the figures are in the strategies table and in the CSV file.">
        <ResponsiveContainer width="100%" height="100%">
          <LineChart data={drawn} margin={MARGIN} syncId={LINKED} accessibilityLayer={false}>
            <CartesianGrid vertical={false} stroke="var(--line)" />
            <XAxis {...time} tick={false} height={4} axisLine={false} />
            <YAxis
              domain={[amounts[0] ?? 0, amounts.at(-1) ?? 1]}
              ticks={amounts}
              tickFormatter={(value: number) => amount(value, digits)}
              tick={AXIS}
              tickLine={false}
              axisLine={false}
              width={AXIS_WIDTH}
            />
            {gaps}
            <ReferenceLine y={initialCapital} stroke="var(--line-strong)" strokeDasharray="3 3" />
            <Tooltip
              isAnimationActive={false}
              cursor={{ stroke: 'var(--line-strong)' }}
              content={({ active, label }) =>
                active && typeof label === 'number' ? (
                  <Readout t={label} rows={drawn} shown={shown} fallen={fallen} shaded={seen} />
                ) : null
              }
            />
            {shown.map(({ name, label, colour, dashed }) => (
              <Line
                key={name}
                dataKey={(row: MomentRow) => row.values[name]}
                name={label}
                type={stepped.has(name) ? 'stepAfter' : 'linear'}
                stroke={colour}
                strokeWidth={name === PORTFOLIO ? 2 : 1.4}
                strokeDasharray={dashed ? '5 3' : undefined}
                activeDot={{ r: 3, strokeWidth: 0 }}
                {...LINE}
              />
            ))}
          </LineChart>
        </ResponsiveContainer>
      </div>
      <div className="chart-sub" role="img" aria-label={`Drawdown over time of ${fallen.map(({ label }) => label).join(', ')}.`}>
        <span className="chart-label">Drawdown{alone ? ` · ${fallen[0]?.label ?? ''}` : ''}</span>
        <ResponsiveContainer width="100%" height="100%">
          <ComposedChart data={drawn} margin={MARGIN} syncId={LINKED} accessibilityLayer={false}>
            <XAxis {...time} tickFormatter={tick} tick={AXIS} axisLine={{ stroke: 'var(--line-strong)' }} />
            <YAxis
              domain={[(low: number) => Math.min(low * 1.04, falls.at(-1) ?? 0), 0]}
              ticks={falls}
              tickFormatter={(value: number) => percent(value, axisDigits(value))}
              tick={AXIS}
              tickLine={false}
              axisLine={false}
              width={AXIS_WIDTH}
            />
            {gaps}
            <Tooltip isAnimationActive={false} cursor={{ stroke: 'var(--line-strong)' }} content={() => null} />
            {fallen.map(({ name, colour, dashed }) => (
              <Area
                key={name}
                dataKey={(row: MomentRow) => row.falls[name]}
                type={stepped.has(name) ? 'stepAfter' : 'linear'}
                stroke={alone ? 'var(--down)' : colour}
                fill="var(--down)"
                fillOpacity={alone ? 0.12 : 0}
                strokeWidth={1.2}
                strokeDasharray={dashed ? '5 3' : undefined}
                activeDot={false}
                {...LINE}
              />
            ))}
          </ComposedChart>
        </ResponsiveContainer>
      </div>
    </>
  )
}

/** A paper account of small stakes falls by hundredths of a per cent: such labels need both decimals. */
function axisDigits(fraction: number): number {
  if (fraction === 0) return 0
  return Math.abs(fraction) < 0.01 ? 2 : 1
}
