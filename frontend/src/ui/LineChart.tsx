import { useMemo, useState } from 'react'
import { CartesianGrid, Line, LineChart as Chart, ReferenceDot, ReferenceLine, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts'

import { clock, dateTime, day, isMidnight, zoneName } from '../format/times'
import { timeTicks } from './timeTicks'

export interface LineSeries {
  name: string
  label: string
  colour: string
  dashed?: boolean
  points: readonly { t: number; value: number | null }[]
}

interface Props {
  series: readonly LineSeries[]
  /** What the chart shows, for whoever cannot see it, and where the figures are. */
  label: string
  format: (value: number) => string
  domain?: [number, number]
  /** Levels to compare with, such as no gain. */
  levels?: readonly { value: number; text?: string; colour?: string }[]
  /** Moments to mark, such as the end of a market. */
  marks?: readonly { t: number; text: string }[]
  /** Single events at their values, such as fills. */
  dots?: readonly { t: number; value: number; colour: string; text: string; below?: boolean }[]
}

const NO_DOTS: NonNullable<Props['dots']> = []
const AXIS = { fontSize: 11, fill: 'var(--ink-faint)' }

/** Lines over time with a crosshair; loaded when it is shown, as the library is larger than the page. */
export default function LineChart({ series, label, format, domain, levels = [], marks = [], dots = NO_DOTS }: Props) {
  const [wide] = useState(() => window.matchMedia('(min-width: 700px)').matches)
  const rows = useMemo(() => merged(series, dots), [series, dots])
  const { ticks, daily } = timeTicks(rows[0]?.t ?? 0, rows.at(-1)?.t ?? 0, wide ? 9 : 4)
  const middle = ((rows[0]?.t ?? 0) + (rows.at(-1)?.t ?? 0)) / 2
  return (
    <div className="chart-main" role="img" aria-label={label}>
      <ResponsiveContainer width="100%" height="100%">
        <Chart data={rows} margin={{ top: 8, right: 12, bottom: 0, left: 0 }} accessibilityLayer={false}>
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis
            dataKey="t"
            type="number"
            domain={['dataMin', 'dataMax']}
            ticks={ticks}
            tickFormatter={(t: number) => (daily || isMidnight(t) ? day(t) : clock(t))}
            tick={AXIS}
            tickLine={false}
            axisLine={{ stroke: 'var(--line-strong)' }}
          />
          <YAxis domain={domain ?? ['auto', 'auto']} tickFormatter={format} tick={AXIS} tickLine={false} axisLine={false} width={62} />
          {levels.map(({ value, text = '', colour = 'var(--line-strong)' }) => (
            <ReferenceLine
              key={`${text} ${value}`}
              y={value}
              stroke={colour}
              strokeDasharray="3 3"
              label={{ value: text, position: 'insideBottomLeft', ...AXIS, fill: colour }}
            />
          ))}
          {marks.map(({ t, text }) => (
            <ReferenceLine key={text} x={t} stroke="var(--ink-faint)" label={{ value: text, position: t < middle ? 'insideTopLeft' : 'insideTopRight', ...AXIS }} />
          ))}
          <Tooltip
            isAnimationActive={false}
            cursor={{ stroke: 'var(--line-strong)' }}
            content={({ active, label: at }) => (
              <Readout row={active ? rows.find((row) => row.t === at) : undefined} series={series} format={format} />
            )}
          />
          {series.map(({ name, colour, dashed }) => (
            <Line
              key={name}
              dataKey={(row: Row) => row.values[name]}
              name={name}
              stroke={colour}
              strokeWidth={1.5}
              strokeDasharray={dashed ? '3 3' : undefined}
              dot={false}
              activeDot={{ r: 3, strokeWidth: 0 }}
              connectNulls
              isAnimationActive={false}
            />
          ))}
          {dots.map(({ t, value, colour, text, below = false }) => (
            <ReferenceDot
              key={`${t} ${value} ${text}`}
              x={t}
              y={value}
              r={4.5}
              fill={colour}
              stroke="var(--panel)"
              ifOverflow="extendDomain"
              label={{ value: text, position: below ? 'bottom' : 'left', ...AXIS, fill: colour }}
            />
          ))}
        </Chart>
      </ResponsiveContainer>
    </div>
  )
}

interface Row {
  t: number
  values: Record<string, number | null>
}

/** The rows of the lines, and one for each event: a market pays out after its last poll. */
function merged(series: readonly LineSeries[], dots: readonly { t: number }[]): Row[] {
  const rows = new Map<number, Row>(dots.map(({ t }) => [t, { t, values: {} }]))
  for (const { name, points } of series) {
    for (const { t, value } of points) {
      const row = rows.get(t) ?? { t, values: {} }
      row.values[name] = value
      rows.set(t, row)
    }
  }
  return [...rows.values()].sort((a, b) => a.t - b.t)
}

function Readout({ row, series, format }: { row: Row | undefined; series: readonly LineSeries[]; format: Props['format'] }) {
  if (!row) return null
  return (
    <div className="readout">
      <time>
        {dateTime(row.t).slice(0, 16)} {zoneName(row.t)}
      </time>
      <dl>
        {series.map(({ name, label, colour }) => {
          const value = row.values[name]
          return value === undefined || value === null ? null : (
            <div key={name}>
              <dt>
                <span className="swatch" style={{ background: colour }} />
                {label}
              </dt>
              <dd>{format(value)}</dd>
            </div>
          )
        })}
      </dl>
    </div>
  )
}
