import type { MarketRow } from '../../api/client'
import { useMarkets, useSummary } from '../../api/queries'
import { NONE, percent, usd } from '../../format/numbers'
import { clock, dateTime, dayClock, zoneName, zoneWord } from '../../format/times'
import { Choice } from '../../ui/Choice'
import { Missing } from '../../ui/Figure'
import { ListPanel } from '../../ui/ListPanel'
import type { Column } from '../../ui/Table'
import { link, replace, useRoute } from '../../ui/route'
import { STATES, outcome, until } from './markets'

const FILE = [
  { name: 'market', value: (row: MarketRow) => row.id },
  { name: 'asset', value: (row: MarketRow) => row.asset },
  { name: 'title', value: (row: MarketRow) => row.title },
  { name: 'state', value: (row: MarketRow) => row.state },
  { name: 'start_ms', value: (row: MarketRow) => row.start_ms },
  { name: 'end_ms', value: (row: MarketRow) => row.end_ms },
  { name: 'probability', value: (row: MarketRow) => row.probability },
  { name: 'spread', value: (row: MarketRow) => row.spread },
  { name: 'volume_24h_usd', value: (row: MarketRow) => row.volume_24h },
  { name: 'yes_payout', value: (row: MarketRow) => row.yes_payout },
]
const ALL = 'all'
const WHY_EMPTY = {
  open: 'No followed market is open right now. New windows are found by themselves before they open.',
  awaited: 'No result is awaited: the venue has reported every market that ended within three days.',
  resolved: 'No followed market has been resolved yet. Results appear as the venue reports them.',
} as const
const NO_VOLUME = 'The venue did not say it. Strategies that need it pass with the reason no_volume; it is never taken for zero.'

export function MarketsPanel() {
  const { filters } = useRoute()
  const state = STATES.find((each) => each === filters.get('state')) ?? 'open'
  const asset = filters.get('asset')
  const chosen = filters.get('market')
  const assets = useSummary().data?.assets ?? []
  const query = useMarkets({ state, asset })
  const pages = query.data?.pages
  const eventTimeMs = pages?.[0]?.event_time_ms ?? null
  const go = (changes: { state?: string; asset?: string | null }) => {
    replace(link('polymarket', { state, asset, ...changes }))
  }
  return (
    <ListPanel
      title="Prediction markets"
      aside="in terms of the YES or Up token"
      filters={
        <>
          <Choice
            label="Asset"
            options={[ALL, ...assets]}
            value={asset ?? ALL}
            onChange={(next) => {
              go({ asset: next === ALL ? null : next })
            }}
          />
          <Choice
            label="State"
            options={STATES}
            value={state}
            onChange={(next) => {
              go({ state: next })
            }}
          />
        </>
      }
      className="markets"
      query={query}
      rows={pages?.flatMap((page) => page.markets)}
      lines={6}
      whyEmpty={
        eventTimeMs === null
          ? 'No prediction market has been followed yet. Set exchanges.polymarket.enabled to true in config.yaml and start the platform again; the first polls come within a minute.'
          : <WhyEmpty state={state} other={link('polymarket', { asset, state: 'resolved' })} />
      }
      file={{ name: 'prediction-markets', columns: FILE }}
      more={{ label: 'Show more', pages: query }}
      label="Prediction markets table"
      testId="markets"
      columns={columns(eventTimeMs, chosen, (market) => link('polymarket', { ...Object.fromEntries(filters), market }))}
      keyOf={({ id }) => id}
      classOf={({ id }) => (id === chosen ? 'is-chosen' : '')}
    />
  )
}

/** Why there is none in this state, and where the others are. */
function WhyEmpty({ state, other }: { state: keyof typeof WHY_EMPTY; other: string }) {
  return (
    <>
      {WHY_EMPTY[state]} {state === 'resolved' ? null : <a href={other}>Show the resolved ones</a>}
    </>
  )
}

function columns(eventTimeMs: number | null, chosen: string | null, linkTo: (market: string) => string): Column<MarketRow>[] {
  return [
    {
      head: 'Market',
      cell: (market) => (
        <>
          <a href={linkTo(market.id)} aria-current={market.id === chosen ? 'true' : undefined} title="Show its probability over time">
            <strong>{market.asset}</strong> {market.title ?? market.slug ?? market.id}
          </a>
          {market.slug ? <small className="below">{market.slug}</small> : null}
        </>
      ),
    },
    {
      head: 'Window',
      note: `When it opens and ends, ${zoneWord()}.`,
      wrap: 'nowrap',
      cell: (market) => (
        <>
          {market.start_ms === null ? 'until ' : `${dayClock(market.start_ms)}–`}
          {market.start_ms === null ? dayClock(market.end_ms) : clock(market.end_ms)}
          <small className="below">{until(market, eventTimeMs)}</small>
        </>
      ),
    },
    {
      head: 'Probability',
      metric: 'probability',
      cell: (market) =>
        market.probability === null ? (
          <Missing why="One side of the book is empty, or the venue did not answer: there is no middle." />
        ) : (
          <Probability of={market.probability} polled={`Polled ${dateTime(market.polled_ms)} ${zoneName(market.polled_ms)}`} />
        ),
    },
    {
      head: 'Bid / ask',
      note: 'Best bid and best ask, as probabilities.',
      numeric: true,
      cell: (market) => `${market.bid ?? NONE} / ${market.ask ?? NONE}`,
    },
    {
      head: 'Spread',
      metric: 'spread',
      numeric: true,
      cell: (market) => market.spread ?? <Missing why="One side of the book is empty." />,
    },
    {
      head: 'Volume',
      metric: 'volume_24h',
      numeric: true,
      cell: ({ volume_24h: volume }) =>
        volume === null ? (
          <span className="missing" tabIndex={0} title={NO_VOLUME}>
            no volume
            <span className="unseen">: {NO_VOLUME}</span>
          </span>
        ) : (
          usd(volume)
        ),
    },
    { head: 'Result', note: 'What the venue reported.', cell: outcome },
  ]
}

function Probability({ of, polled }: { of: number; polled: string }) {
  return (
    <span className="probability" title={polled}>
      <span className="probability-bar" aria-hidden="true">
        <span style={{ inlineSize: `${of * 100}%` }} />
      </span>
      {percent(of, 1)}
    </span>
  )
}
