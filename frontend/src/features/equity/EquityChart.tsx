import { useState } from 'react'
import { Area, AreaChart, CartesianGrid, Line, LineChart, ReferenceLine, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts'

import { amount, percent, usd } from '../../format/numbers'
import { clock, dateTime, day } from '../../format/times'
import { seriesColour } from '../../ui/colours'
import { PORTFOLIO, amountTicks, timeTicks, valuesAt } from './merge'
import type { MomentRow } from './merge'

interface Props {
  rows: MomentRow[]
  /** The curves that are drawn, with their place among all names, which decides their colour. */
  shown: { name: string; label: string; index: number }[]
  initialCapital: number
}

const AXIS = { fontSize: 11, fill: 'var(--ink-faint)' }
const MARGIN = { top: 8, right: 8, bottom: 0, left: 0 }
const AXIS_WIDTH = 62
const LINKED = 'equity'

export default function EquityChart({ rows, shown, initialCapital }: Props) {
  const [wide] = useState(() => window.matchMedia('(min-width: 700px)').matches)
  const { ticks, daily } = timeTicks(rows, wide ? 8 : 4)
  const drawn = rows.filter((row) => shown.some(({ name }) => name in row.values))
  const amounts = amountTicks(drawn, wide ? 6 : 5)
  const digits = (amounts[1] ?? 1) - (amounts[0] ?? 0) < 1 ? 2 : 0
  const tick = (t: number) => (daily || t % 86_400_000 === 0 ? day(t) : clock(t))
  const x = (
    <XAxis
      dataKey="t"
      type="number"
      domain={['dataMin', 'dataMax']}
      ticks={ticks}
      tickFormatter={tick}
      tick={AXIS}
      tickLine={false}
      axisLine={{ stroke: 'var(--line-strong)' }}
    />
  )
  return (
    <>
      <div className="chart-main" role="img" aria-label="Equity over time; the figures are in the strategies table.">
        <ResponsiveContainer width="100%" height="100%">
          <LineChart data={drawn} margin={MARGIN} syncId={LINKED} accessibilityLayer={false}>
            <CartesianGrid vertical={false} stroke="var(--line)" />
            <XAxis dataKey="t" type="number" domain={['dataMin', 'dataMax']} ticks={ticks} tick={false} height={4} tickLine={false} axisLine={false} />
            <YAxis
              domain={[amounts[0] ?? 0, amounts.at(-1) ?? 1]}
              ticks={amounts}
              tickFormatter={(value: number) => amount(value, digits)}
              tick={AXIS}
              tickLine={false}
              axisLine={false}
              width={AXIS_WIDTH}
            />
            <ReferenceLine y={initialCapital} stroke="var(--line-strong)" strokeDasharray="3 3" />
            <Tooltip
              isAnimationActive={false}
              cursor={{ stroke: 'var(--line-strong)' }}
              content={({ active, label }) => <Readout active={active} label={label} rows={drawn} shown={shown} />}
            />
            {shown.map(({ name, index }) => (
              <Line
                key={name}
                dataKey={(row: MomentRow) => row.values[name]}
                name={name}
                stroke={seriesColour(index)}
                strokeWidth={name === PORTFOLIO ? 2 : 1.4}
                dot={false}
                activeDot={{ r: 3, strokeWidth: 0 }}
                connectNulls
                isAnimationActive={false}
              />
            ))}
          </LineChart>
        </ResponsiveContainer>
      </div>
      <div className="chart-sub" role="img" aria-label="Drawdown of the portfolio over time.">
        <span className="chart-label">Drawdown</span>
        <ResponsiveContainer width="100%" height="100%">
          <AreaChart data={drawn} margin={MARGIN} syncId={LINKED} accessibilityLayer={false}>
            {x}
            <YAxis
              domain={[(low: number) => Math.min(low * 1.1, -0.0005), 0]}
              tickFormatter={(value: number) => percent(value, axisDigits(value))}
              tick={AXIS}
              tickLine={false}
              axisLine={false}
              width={AXIS_WIDTH}
              tickCount={3}
            />
            <Tooltip isAnimationActive={false} cursor={{ stroke: 'var(--line-strong)' }} content={() => null} />
            <Area
              dataKey="drawdown"
              stroke="var(--down)"
              strokeWidth={1.2}
              fill="var(--down)"
              fillOpacity={0.12}
              connectNulls
              dot={false}
              activeDot={false}
              isAnimationActive={false}
            />
          </AreaChart>
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

interface ReadoutProps extends Pick<Props, 'rows' | 'shown'> {
  active: boolean | undefined
  label: string | number | undefined
}

function Readout({ active, label, rows, shown }: ReadoutProps) {
  if (!active || typeof label !== 'number') return null
  const index = rows.findIndex((row) => row.t === label)
  if (index === -1) return null
  const values = valuesAt(rows, index, shown.map(({ name }) => name))
  const drawdown = rows[index]?.drawdown
  return (
    <div className="readout">
      <time>{dateTime(label).slice(0, 16)} UTC</time>
      <dl>
        {shown.map(({ name, label: text, index: place }) => (
          <div key={name}>
            <dt>
              <span className="swatch" style={{ background: seriesColour(place) }} />
              {text}
            </dt>
            <dd>{values.has(name) ? usd(String(values.get(name))) : ''}</dd>
          </div>
        ))}
        {drawdown === undefined ? null : (
          <div>
            <dt>Drawdown</dt>
            <dd>{percent(-drawdown)}</dd>
          </div>
        )}
      </dl>
    </div>
  )
}
