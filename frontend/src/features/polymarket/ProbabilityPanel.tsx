import type { MarketRow, ProbabilitySeries } from '../../api/client'
import { useMarkets } from '../../api/queries'
import { useProbability } from '../../api/research'
import { useMarketTrades } from '../../api/trades'
import { count } from '../../format/numbers'
import { CsvButton } from '../../ui/CsvButton'
import { Panel } from '../../ui/Panel'
import { ProbabilityChart } from '../../ui/ProbabilityChart'
import { View } from '../../ui/View'
import { isUndrawn } from '../../ui/probability'
import { useRoute } from '../../ui/route'
import { STATES, outcome } from './markets'

const FILE = [
  { name: 't_ms', value: (point: Point) => point.t },
  { name: 'probability', value: (point: Point) => point.probability },
  { name: 'bid', value: (point: Point) => point.bid },
  { name: 'ask', value: (point: Point) => point.ask },
]
const NO_TRADES: never[] = []
type Point = ProbabilitySeries['points'][number]

/** The probability of one market over time: the one that was picked from the list, else its first one that was polled. */
export function ProbabilityPanel() {
  const { filters } = useRoute()
  const state = STATES.find((each) => each === filters.get('state')) ?? 'open'
  const rows = useMarkets({ state, asset: filters.get('asset') }).data?.pages.flatMap((page) => page.markets) ?? []
  const id = filters.get('market') ?? firstPolled(rows)?.id
  return id === undefined ? null : <Shown id={id} />
}

function firstPolled(rows: readonly MarketRow[]): MarketRow | undefined {
  return rows.find((row) => row.probability !== null) ?? rows[0]
}

function Shown({ id }: { id: string }) {
  const query = useProbability(id)
  const { data } = query
  const trades = useMarketTrades(id).data?.trades ?? NO_TRADES
  return (
    <Panel
      title="Probability"
      aside={data ? `${data.asset} ${data.title ?? id} · ${count(data.polls)} polls${said(data)}` : ''}
      tools={<CsvButton name={`probability-${id}`} columns={FILE} rows={data?.points} />}
      className="probability-panel"
    >
      <View
        query={query}
        lines={7}
        empty={isUndrawn}
        whyEmpty="No poll of this market had both sides of its book yet, so there was no middle."
      >
        {(series) => <ProbabilityChart series={series} trades={trades} />}
      </View>
    </Panel>
  )
}

function said(series: ProbabilitySeries): string {
  const text = outcome({ state: series.resolved_ms === null ? 'open' : 'resolved', yes_payout: series.yes_payout })
  return text ? ` · result ${text}` : ''
}
