import { RANGES } from '../../api/keys'
import { useSummary } from '../../api/queries'
import { Choice } from '../../ui/Choice'
import { link, replace, useRoute } from '../../ui/route'
import { ALL, EXCHANGES, filtersOf, inLink } from './filters'
import type { CompareFilters } from '../../api/keys'

export function Filters() {
  const { view, filters } = useRoute()
  const chosen = filtersOf(filters)
  const assets = useSummary().data?.assets ?? []
  const choose = (change: Partial<CompareFilters>) => {
    const others = Object.fromEntries(filters)
    replace(link(view, { ...others, ...inLink({ ...chosen, ...change }) }))
  }
  return (
    <>
      <Choice
        label="Asset"
        options={[ALL, ...assets]}
        value={chosen.asset ?? ALL}
        onChange={(asset) => {
          choose({ asset: asset === ALL ? null : asset })
        }}
      />
      <Choice
        label="Exchange"
        options={[ALL, ...EXCHANGES]}
        value={chosen.exchange ?? ALL}
        onChange={(exchange) => {
          choose({ exchange: EXCHANGES.find((each) => each === exchange) ?? null })
        }}
      />
      <Choice
        label="Time range"
        options={RANGES}
        value={chosen.range}
        onChange={(range) => {
          choose({ range })
        }}
      />
    </>
  )
}
