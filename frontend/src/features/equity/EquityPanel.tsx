import { Suspense, lazy, useMemo, useState } from 'react'

import type { EquityCurve } from '../../api/client'
import { RANGES } from '../../api/keys'
import type { Range } from '../../api/keys'
import { useEquityCurves, useEventTime, useStrategies } from '../../api/queries'
import { count, usd } from '../../format/numbers'
import { Choice } from '../../ui/Choice'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'
import { seriesColour } from '../../ui/colours'
import { useThrottled } from '../../ui/useThrottled'
import { PORTFOLIO, merge } from './merge'

const EquityChart = lazy(() => import('./EquityChart'))
const REDRAW_MS = 1_000

export function EquityPanel() {
  const [range, setRange] = useState<Range>('All')
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const strategies = useStrategies()
  const eventTimeMs = useEventTime()
  const names = useMemo(() => [null, ...(strategies.data ?? []).map((row) => row.name).sort()], [strategies.data])
  const queries = useEquityCurves(names, range, eventTimeMs)
  const [portfolio] = queries
  const held = queries.map((query) => query.data)
  const toggle = (name: string) => {
    setHidden((before) => {
      const after = new Set(before)
      if (!after.delete(name)) after.add(name)
      return after
    })
  }
  const series = names.map((name, index) => ({
    name: name ?? PORTFOLIO,
    label: name === null ? 'Portfolio' : (strategies.data?.find((row) => row.name === name)?.class_name ?? name),
    index,
    last: held[index]?.points.at(-1)?.equity,
  }))
  const points = portfolio?.data
  return (
    <Panel
      title="Equity"
      aside={points ? `USD · ${count(points.rows)} minutes` : 'USD'}
      tools={<Choice label="Range" options={RANGES} value={range} onChange={setRange} />}
      className="equity"
    >
      <View
        query={portfolio ?? { data: undefined, error: null, isFetching: true, refetch: () => undefined }}
        lines={7}
        empty={(curve) => curve.points.length === 0}
        whyEmpty="No minute has been valued yet. The broker writes one point per minute of market time once the first strategies have been evaluated."
      >
        {(curve) => (
          <>
            <div className="legend" role="group" aria-label="Curves">
              {series.map(({ name, label, index, last }) => (
                <button
                  key={name}
                  type="button"
                  aria-pressed={!hidden.has(name)}
                  title={name === PORTFOLIO ? 'The whole portfolio' : 'Initial capital plus the P&L of this strategy'}
                  onClick={() => {
                    toggle(name)
                  }}
                >
                  <span className="swatch" style={{ background: seriesColour(index) }} />
                  {label}
                  <small>{last === undefined ? '' : usd(last)}</small>
                </button>
              ))}
            </div>
            <Chart
              curves={held}
              shown={series.filter(({ name }) => !hidden.has(name))}
              initialCapital={curve.initial_capital}
            />
            <span className="unseen" data-testid="equity-points">
              {curve.rows}
            </span>
          </>
        )}
      </View>
    </Panel>
  )
}

interface ChartProps {
  curves: (EquityCurve | undefined)[]
  shown: { name: string; label: string; index: number }[]
  initialCapital: string
}

function Chart({ curves, shown, initialCapital }: ChartProps) {
  const settled = useThrottled(curves, REDRAW_MS)
  const rows = useMemo(() => merge(settled.filter((curve) => curve !== undefined)), [settled])
  if (!shown.length) return <div className="note">Every curve is switched off. Choose one above.</div>
  return (
    <Suspense fallback={<div className="chart-main" />}>
      <EquityChart rows={rows} shown={shown} initialCapital={Number(initialCapital)} />
    </Suspense>
  )
}
