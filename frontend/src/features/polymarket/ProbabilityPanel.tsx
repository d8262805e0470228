import type { MarketRow, ProbabilitySeries } from '../../api/client'
import { useMarkets } from '../../api/queries'
import { useProbability } from '../../api/research'
import { count, percent } from '../../format/numbers'
import { CsvButton } from '../../ui/CsvButton'
import { LineChart } from '../../ui/LazyLineChart'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'
import { useRoute } from '../../ui/route'
import { STATES, outcome } from './markets'

const FILE = [
  { name: 't_ms', value: (point: Point) => point.t },
  { name: 'probability', value: (point: Point) => point.probability },
  { name: 'bid', value: (point: Point) => point.bid },
  { name: 'ask', value: (point: Point) => point.ask },
]
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
        empty={({ points }) => points.every(({ probability }) => probability === null)}
        whyEmpty="No poll of this market had both sides of its book yet, so there was no middle."
      >
        {(series) => <Drawn series={series} />}
      </View>
    </Panel>
  )
}

function said(series: ProbabilitySeries): string {
  const text = outcome({ state: series.resolved_ms === null ? 'open' : 'resolved', yes_payout: series.yes_payout })
  return text ? ` · result ${text}` : ''
}

function Drawn({ series: { points: polls, start_ms, end_ms, title, id } }: { series: ProbabilitySeries }) {
  // A market is polled before anybody trades on it: the line begins with the first middle.
  const points = polls.slice(polls.findIndex(({ probability }) => probability !== null))
  const line = (name: 'probability' | 'bid' | 'ask') => points.map((point) => ({ t: point.t, value: point[name] }))
  const [first, last] = [points[0]?.t ?? 0, points.at(-1)?.t ?? 0]
  const marks = [
    { t: start_ms ?? -1, text: 'opens' },
    { t: end_ms, text: 'ends' },
  ].filter(({ t }) => t >= first && t <= last)
  return (
    <>
      <LineChart
        series={[
          { name: 'bid', label: 'Bid', colour: 'var(--line-strong)', points: line('bid') },
          { name: 'ask', label: 'Ask', colour: 'var(--line-strong)', dashed: true, points: line('ask') },
          { name: 'probability', label: 'Probability', colour: 'var(--accent)', points: line('probability') },
        ]}
        label={`Probability of ${title ?? id} over time; the newest one is in the table.`}
        format={(value) => percent(value, 0)}
        domain={[0, 1]}
        level={0.5}
        marks={marks}
      />
      <p className="key">
        <span className="swatch" style={{ background: 'var(--accent)' }} /> the middle of best bid and best ask of the YES or Up token; grey: bid and
        ask. Where a side of the book was empty there is no point.
      </p>
    </>
  )
}
