import type { MarketRow } from '../../api/client'
import { useMarkets, useSummary } from '../../api/queries'
import { NONE, percent, usd } from '../../format/numbers'
import { clock, dateTime, dayClock, zoneName, zoneWord } from '../../format/times'
import { CsvButton } from '../../ui/CsvButton'
import { Choice } from '../../ui/Choice'
import { Missing } from '../../ui/Figure'
import { More } from '../../ui/More'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'
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
  const assets = useSummary().data?.assets ?? []
  const query = useMarkets({ state, asset })
  const pages = query.data?.pages
  const data = pages && { eventTimeMs: pages[0]?.event_time_ms ?? null, rows: pages.flatMap((page) => page.markets) }
  const go = (changes: { state?: string; asset?: string | null }) => {
    replace(link('polymarket', { state, asset, ...changes }))
  }
  return (
    <Panel
      title="Prediction markets"
      aside="in terms of the YES or Up token"
      tools={
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
          <CsvButton name="prediction-markets" columns={FILE} rows={data?.rows} />
        </>
      }
      className="markets"
    >
      <View
        query={{ ...query, data }}
        lines={6}
        empty={({ rows }) => rows.length === 0}
        whyEmpty={
          data?.eventTimeMs === null
            ? 'No prediction market has been followed yet. Set exchanges.polymarket.enabled to true in config.yaml and start the platform again; the first polls come within a minute.'
            : WHY_EMPTY[state]
        }
      >
        {({ rows, eventTimeMs }) => <Table rows={rows} eventTimeMs={eventTimeMs} />}
      </View>
      <More query={query} label="Show more" />
    </Panel>
  )
}

function Table({ rows, eventTimeMs }: { rows: MarketRow[]; eventTimeMs: number | null }) {
  return (
    <div className="scroller" role="region" aria-label="Prediction markets table" tabIndex={0}>
      <table className="table" data-testid="markets">
        <thead>
          <tr>
            <th scope="col">Market</th>
            <th scope="col" title={`When it opens and ends, ${zoneWord()}.`}>Window</th>
            <th scope="col" title="The middle of best bid and best ask.">Probability</th>
            <th scope="col" className="is-numeric" title="Best bid and best ask, as probabilities.">Bid / ask</th>
            <th scope="col" className="is-numeric" title="Best ask less best bid.">Spread</th>
            <th scope="col" className="is-numeric" title="USD, of the last 24 hours.">Volume</th>
            <th scope="col" title="What the venue reported.">Result</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((market) => (
            <Row key={market.id} market={market} eventTimeMs={eventTimeMs} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Row({ market, eventTimeMs }: { market: MarketRow; eventTimeMs: number | null }) {
  const { filters } = useRoute()
  const chosen = filters.get('market') === market.id
  return (
    <tr className={chosen ? 'is-chosen' : ''}>
      <td>
        <a
          href={link('polymarket', { ...Object.fromEntries(filters), market: market.id })}
          aria-current={chosen ? 'true' : undefined}
          title="Show its probability over time"
        >
          <strong>{market.asset}</strong> {market.title ?? market.slug ?? market.id}
        </a>
        {market.slug ? <small className="below">{market.slug}</small> : null}
      </td>
      <td className="nowrap">
        {market.start_ms === null ? 'until ' : `${dayClock(market.start_ms)}–`}
        {market.start_ms === null ? dayClock(market.end_ms) : clock(market.end_ms)}
        <small className="below">{until(market, eventTimeMs)}</small>
      </td>
      <td title={`Polled ${dateTime(market.polled_ms)} ${zoneName(market.polled_ms)}`}>
        {market.probability === null ? (
          <Missing why="One side of the book is empty, or the venue did not answer: there is no middle." />
        ) : (
          <Probability of={market.probability} />
        )}
      </td>
      <td className="is-numeric">
        {market.bid ?? NONE} / {market.ask ?? NONE}
      </td>
      <td className="is-numeric">
        {market.spread ?? <Missing why="One side of the book is empty." />}
      </td>
      <td className="is-numeric">
        {market.volume_24h === null ? (
          <span className="missing" tabIndex={0} title={NO_VOLUME}>
            no volume
            <span className="unseen">: {NO_VOLUME}</span>
          </span>
        ) : (
          usd(market.volume_24h)
        )}
      </td>
      <td>{outcome(market)}</td>
    </tr>
  )
}

function Probability({ of }: { of: number }) {
  return (
    <span className="probability">
      <span className="probability-bar" aria-hidden="true">
        <span style={{ inlineSize: `${of * 100}%` }} />
      </span>
      {percent(of, 1)}
    </span>
  )
}
