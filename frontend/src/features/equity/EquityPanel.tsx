import { count } from '../../format/numbers'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'
import { link } from '../../ui/route'
import { Chart } from './Chart'
import { Legend } from './Legend'
import { Range } from './Range'
import { inLink } from './filters'
import { WHY_EMPTY } from './words'
import { useCurves } from './useCurves'

/** The curves on the home page: what a look takes. The view of their own has the rest. */
export function EquityPanel() {
  const { filters, series, shown, curves, whole, last, choose, toggle } = useCurves(false)
  const points = whole.data
  return (
    <Panel
      title="Equity"
      aside={
        <>
          {points ? `USD · ${count(points.rows)} minutes` : 'USD'} · <a href={link('equity', inLink(filters))}>look closer</a>
        </>
      }
      tools={<Range span={filters.span} choose={choose} />}
      className="equity"
    >
      <View query={whole} lines={7} empty={(curve) => curve.points.length === 0} whyEmpty={WHY_EMPTY}>
        {(curve) => (
          <>
            <Legend series={series} switched={filters.switched} last={last} onToggle={toggle} />
            <Chart curves={curves} shown={shown} fallen={series.slice(0, 1)} initialCapital={curve.initial_capital} />
            <span className="unseen" data-testid="equity-points">
              {curve.rows}
            </span>
          </>
        )}
      </View>
    </Panel>
  )
}
