import { useStrategies, useSummary } from '../../api/queries'
import type { TradeFilters } from '../../api/trades'
import { zoneWord } from '../../format/times'
import { Select } from '../../ui/Select'
import { OPTIONS, filtersOf, fromInput, isFiltered, toInput } from './filters'

interface Props {
  filters: TradeFilters
  onChange: (filters: TradeFilters) => void
}

const NOTHING = filtersOf(new URLSearchParams())

export function Filters({ filters, onChange }: Props) {
  const strategies = useStrategies().data?.map(({ name }) => name) ?? []
  const assets = useSummary().data?.assets ?? []
  return (
    <div className="filters" role="search" aria-label="Filter trades">
      <Select
        label="Strategy"
        options={[['', 'all'], ...withChosen(strategies, filters.strategy)]}
        value={filters.strategy ?? ''}
        onChange={(next) => { onChange({ ...filters, strategy: next || null }) }}
      />
      <Select
        label="Asset"
        options={[['', 'all'], ...withChosen(assets, filters.asset)]}
        value={filters.asset ?? ''}
        onChange={(next) => { onChange({ ...filters, asset: next || null }) }}
      />
      <Select label="Exchange" options={OPTIONS.exchange} value={filters.exchange ?? ''} onChange={(next) => { onChange({ ...filters, exchange: next || null }) }} />
      <Select label="Direction" options={OPTIONS.direction} value={filters.direction ?? ''} onChange={(next) => { onChange({ ...filters, direction: next || null }) }} />
      <Select label="State" options={OPTIONS.status} value={filters.status ?? ''} onChange={(next) => { onChange({ ...filters, status: next || null }) }} />
      <Select label="Exit" options={OPTIONS.exit_reason} value={filters.exit_reason ?? ''} onChange={(next) => { onChange({ ...filters, exit_reason: next || null }) }} />
      <Select label="Result" options={OPTIONS.result} value={filters.result ?? ''} onChange={(next) => { onChange({ ...filters, result: next || null }) }} />
      <Moment label="Held from" value={filters.from} onChange={(from) => { onChange({ ...filters, from }) }} />
      <Moment label="Held until" value={filters.to} onChange={(to) => { onChange({ ...filters, to }) }} />
      {isFiltered(filters) ? (
        <button type="button" className="button is-quiet" onClick={() => { onChange(NOTHING) }}>
          Clear filters
        </button>
      ) : null}
    </div>
  )
}

/** Also what the address names and the list does not: a strategy that was taken out has its trades still. */
function withChosen(known: readonly string[], chosen: string | null): [string, string][] {
  const all = chosen === null || known.includes(chosen) ? known : [...known, chosen]
  return all.map((name) => [name, name])
}

interface MomentProps {
  label: string
  value: number | null
  onChange: (value: number | null) => void
}

function Moment({ label, value, onChange }: MomentProps) {
  return (
    <label className={`moment ${value === null ? '' : 'is-set'}`}>
      <span>
        {label} ({zoneWord()})
      </span>
      <input type="datetime-local" value={toInput(value)} onChange={(event) => { onChange(fromInput(event.target.value)) }} />
    </label>
  )
}
