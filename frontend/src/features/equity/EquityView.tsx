import { Suspense, lazy, useMemo } from 'react'

import type { EquityCurve } from '../../api/client'
import { useEquityCurves, useEventTime, useGapsIn, useSummary } from '../../api/queries'
import { count } from '../../format/numbers'
import { Choice } from '../../ui/Choice'
import { CsvButton } from '../../ui/CsvButton'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'
import { Chart } from './Chart'
import { Gaps } from './Gaps'
import { Legend } from './Legend'
import { Range } from './Range'
import { nameOf } from './series'
import { shades } from './shading'
import { useCurves } from './useCurves'
import { WHY_EMPTY } from './words'

const Overview = lazy(() => import('./Overview'))
const ALL = 'all'

interface Point {
  curve: string
  t: number
  equity: string
  drawdown: number
}

const FILE = [
  { name: 'curve', value: (row: Point) => row.curve },
  { name: 'time_ms', value: (row: Point) => row.t },
  { name: 'equity_usd', value: (row: Point) => row.equity },
  { name: 'drawdown', value: (row: Point) => row.drawdown },
]

/** Every curve, of any time, in any asset, with its drawdown and the holes in the data. */
export function EquityView() {
  const { filters, series, shown, curves, whole, last, choose, toggle } = useCurves(true)
  const assets = useSummary().data?.assets ?? []
  return (
    <Panel
      title="Equity and drawdown"
      aside={whole.data ? `USD · ${count(whole.data.rows)} minutes` : 'USD'}
      tools={
        <>
          <Choice
            label="Asset"
            options={[ALL, ...assets]}
            value={filters.asset ?? ALL}
            onChange={(asset) => {
              choose({ asset: asset === ALL ? null : asset })
            }}
          />
          <Range span={filters.span} choose={choose} />
          <CsvButton name="equity" columns={FILE} rows={rowsOf(curves, shown.map(({ name }) => name))} />
        </>
      }
      className="equity-view"
    >
      <View query={whole} lines={14} empty={(curve) => curve.rows === 0} whyEmpty={whyEmpty(filters.asset, typeof filters.span !== 'string')}>
        {(curve) => (
          <>
            <Legend series={series} switched={filters.switched} last={last} onToggle={toggle} />
            <Drawn curve={curve} curves={curves} shown={shown} filters={filters} />
          </>
        )}
      </View>
      <Selection
        filters={filters}
        onChoose={(from, to) => {
          choose({ span: { from, to } })
        }}
      />
    </Panel>
  )
}

type Curves = ReturnType<typeof useCurves>

interface DrawnProps extends Pick<Curves, 'curves' | 'shown' | 'filters'> {
  curve: EquityCurve
}

function Drawn({ curve, curves, shown, filters }: DrawnProps) {
  const gaps = useGapsIn(filters.span, useEventTime()).data
  const [first, last] = [curve.points[0]?.t ?? 0, curve.points.at(-1)?.t ?? 0]
  const shaded = useMemo(() => shades(gaps?.gaps ?? [], filters.asset, first, last), [gaps, filters.asset, first, last])
  const ofClosed = curves.some(({ basis }) => basis === 'closed')
  return (
    <>
      <Chart curves={curves} shown={shown} fallen={shown} shaded={shaded} initialCapital={curve.initial_capital} />
      <p className="key">
        <Gaps shaded={shaded} cut={(gaps?.next_cursor ?? null) !== null} known={gaps !== undefined} />{' '}
        {ofClosed
          ? 'A strategy in one asset is drawn from its closed positions: the shared ledger does not value its open ones apart. '
          : ''}
        Drawdown is the fall from the running peak since the start, also where the chart begins later.
      </p>
    </>
  )
}

/** The whole time below, for choosing a part of it. */
function Selection({ filters, onChoose }: Pick<Curves, 'filters'> & { onChoose: (from: number, to: number) => void }) {
  const { span, asset } = filters
  const eventTimeMs = useEventTime()
  const [all, part] = [useEquityCurves([{ strategy: null, asset }], 'All', eventTimeMs), useEquityCurves([{ strategy: null, asset }], span, eventTimeMs)]
  const points = all[0]?.data?.points ?? []
  const within = part[0]?.data?.points ?? []
  if (points.length < 2) return null
  const from = typeof span === 'string' ? (within[0]?.t ?? 0) : span.from
  const to = typeof span === 'string' ? Infinity : span.to
  return (
    <Suspense fallback={<div className="overview" />}>
      <Overview points={points} from={from} to={to} onChoose={onChoose} />
    </Suspense>
  )
}

function rowsOf(curves: readonly EquityCurve[], names: readonly string[]): Point[] {
  return curves
    .filter((curve) => names.includes(nameOf(curve)))
    .flatMap((curve) => curve.points.map((point) => ({ curve: nameOf(curve), ...point })))
}

function whyEmpty(asset: string | null, chosen: boolean): string {
  if (chosen) return 'No minute was valued in the chosen time. Choose another range, or widen the part below.'
  return asset === null ? WHY_EMPTY : `Nothing has been valued in ${asset} yet. ${WHY_EMPTY}`
}
