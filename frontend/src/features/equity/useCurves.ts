import { useMemo } from 'react'

import { useEquityCurves, useEventTime, useStrategies, useSummary } from '../../api/queries'
import { link, replace, useRoute } from '../../ui/route'
import { filtersOf, inLink, isShown, toggled } from './filters'
import type { CurveFilters } from './filters'
import { allSeries, nameOf } from './series'
import type { Series } from './series'

const NO_ASSETS: readonly string[] = []

/**
 * The curves that the link asks for: which there are, their data, and how to ask for others.
 *
 * withAssets: also offer a line for each asset.
 */
export function useCurves(withAssets: boolean) {
  const { view, filters: query } = useRoute()
  const filters = filtersOf(query)
  const strategies = useStrategies().data
  const known = useSummary().data?.assets
  const eventTimeMs = useEventTime()
  const assets = (withAssets ? known : undefined) ?? NO_ASSETS
  const series = useMemo(() => allSeries(strategies ?? [], assets, filters.asset), [strategies, assets, filters.asset])
  // Those of assets cost nothing until they are shown; the others have their newest figure in the legend.
  const asked = series.filter((each) => !each.dashed || isShown(each, filters.switched))
  const queries = useEquityCurves(asked.map(({ of }) => of), filters.span, eventTimeMs)
  const curves = queries.map(({ data }) => data).filter((curve) => curve !== undefined)
  const choose = (change: Partial<CurveFilters>) => {
    replace(link(view, { ...Object.fromEntries(query), ...inLink({ ...filters, ...change }) }))
  }
  return {
    filters,
    series,
    shown: series.filter((each) => isShown(each, filters.switched)),
    curves,
    whole: queries[0] ?? { data: undefined, error: null, isFetching: true, refetch: () => undefined },
    last: ({ name }: Series) => curves.find((curve) => nameOf(curve) === name)?.points.at(-1)?.equity,
    choose,
    toggle: (name: string) => {
      choose({ switched: toggled(filters.switched, name) })
    },
  }
}
