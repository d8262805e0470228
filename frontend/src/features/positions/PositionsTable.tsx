import type { OpenPosition } from '../../api/client'
import { useEventTime } from '../../api/queries'
import { percent, price, quantity, signedPercent, signedUsd } from '../../format/numbers'
import { dayClock } from '../../format/times'
import { Amount, Missing } from '../../ui/Figure'
import { Heading } from '../../ui/Heading'
import { link } from '../../ui/route'
import { heldName, left, nextFundingMs } from './ahead'

interface Props {
  positions: OpenPosition[]
  onClose: (position: OpenPosition) => void
}

const NO_MARK = 'There is no mark of this instrument yet.'

export function PositionsTable({ positions, onClose }: Props) {
  const eventTimeMs = useEventTime()
  return (
    <div className="scroller" role="region" aria-label="Open positions table" tabIndex={0}>
      <table className="table" data-testid="positions">
        <thead>
          <tr>
            <Heading>Position</Heading>
            <Heading numeric metric="position.unrealised_pnl">Unrealised</Heading>
            <Heading numeric metric="position.mark_price">Mark</Heading>
            <Heading numeric metric="position.entry_price">Entry</Heading>
            <Heading numeric metric="position.quantity">Quantity</Heading>
            <Heading metric="position.exits">Stop → target</Heading>
            <Heading numeric metric="position.time_left">Time left</Heading>
            <Heading numeric metric="position.next_funding">Next funding</Heading>
            <th scope="col"><span className="unseen">Close</span></th>
          </tr>
        </thead>
        <tbody>
          {positions.map((position) => (
            <Row key={position.id} position={position} eventTimeMs={eventTimeMs} onClose={onClose} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface RowProps {
  position: OpenPosition
  eventTimeMs: number | null
  onClose: (position: OpenPosition) => void
}

function Row({ position, eventTimeMs, onClose }: RowProps) {
  const name = heldName(position)
  return (
    <tr>
      <td>
        <span className={`side is-${position.direction === 'LONG' ? 'up' : 'down'}`}>{position.direction}</span>{' '}
        <a href={link('trades', { trade: position.id })} title="Show the trade whole: chart, inputs, lineage.">
          <strong>{name}</strong>
        </a>
        {position.suspect ? (
          <span className="flag" title="Its fills are further from the market than is usual.">suspect</span>
        ) : null}
        <small className="below">{position.strategy} · {dayClock(position.entry_ms)}</small>
        {position.market ? <Result market={position.market} /> : null}
      </td>
      <td className="is-numeric" data-testid="unrealised">
        {position.unrealised_pnl === null ? (
          <Missing why={NO_MARK} />
        ) : (
          <Amount of={position.unrealised_pnl}>
            {signedUsd(position.unrealised_pnl)}
            {position.unrealised_fraction === null ? null : (
              <small className="below">{signedPercent(position.unrealised_fraction)}</small>
            )}
          </Amount>
        )}
      </td>
      <td className="is-numeric">{position.mark_price === null ? <Missing why={NO_MARK} /> : price(position.mark_price)}</td>
      <td className="is-numeric">{price(position.entry_price)}</td>
      <td className="is-numeric">
        {quantity(position.quantity)}
        {position.market ? <small className="below">shares</small> : null}
      </td>
      <td><Path position={position} /></td>
      <td className="is-numeric" data-testid="time-left">
        {position.deadline_ms === null ? <Missing why="This strategy holds without a time limit." /> : null}
        {position.deadline_ms !== null && eventTimeMs !== null ? left(position.deadline_ms - eventTimeMs) : null}
      </td>
      <td className="is-numeric" data-testid="next-funding"><Funding position={position} eventTimeMs={eventTimeMs} /></td>
      <td className="is-numeric">
        <button type="button" className="button is-quiet" aria-label={`Close ${position.direction} ${name} of ${position.strategy}`} onClick={() => { onClose(position) }}>
          Close
        </button>
      </td>
    </tr>
  )
}

/** Of a prediction market: its title, and when its result is due or what it was. */
function Result({ market }: { market: NonNullable<OpenPosition['market']> }) {
  const due = market.end_ms === null ? '' : `ends ${dayClock(market.end_ms)}`
  return (
    <small className="below market-of">
      {market.title ?? 'untitled market'} · {market.payout === null ? due : `resolved: pays ${market.payout}`}
    </small>
  )
}

function Funding({ position, eventTimeMs }: { position: OpenPosition; eventTimeMs: number | null }) {
  if (position.funding_interval_ms === null) {
    return <Missing why={position.market ? 'A token pays no funding.' : 'No market time has been heard yet.'} />
  }
  const next = eventTimeMs === null ? null : nextFundingMs(position, eventTimeMs)
  return (
    <>
      {next === null || eventTimeMs === null ? '' : left(next - eventTimeMs)}
      <small className="below" title={position.funding_rate_1h === null ? 'The venue has not said its estimate of the rate yet.' : `Estimated rate of an hour: ${position.funding_rate_1h} of notional; above 0 longs pay.`}>
        {position.next_funding === null ? 'rate not known' : `${signedFine(position.next_funding)} USD`}
      </small>
    </>
  )
}

/** An hour's funding of a small stake is less than a cent. */
function signedFine(amount: string): string {
  const value = Number(amount)
  const text = Math.abs(value).toFixed(4)
  return Number(text) === 0 ? '0.0000' : `${value < 0 ? '\u2212' : '+'}${text}`
}

/** The way from the stop to the target with the mark on it. */
function Path({ position }: { position: OpenPosition }) {
  const { stop_distance, target_distance, progress } = position
  if (stop_distance === null && target_distance === null) {
    const off = position.stop_price === null && position.target_price === null
    return <Missing why={off ? 'This strategy trades without stop and target.' : NO_MARK} />
  }
  const stop = stop_distance === null ? 'no stop' : `${percent(stop_distance, 1)} to stop`
  const target = target_distance === null ? 'no target' : `${percent(target_distance, 1)} to target`
  return (
    <div className="path" role="img" aria-label={`${stop}, ${target}`}>
      {progress === null ? null : (
        <span className="path-bar" aria-hidden="true">
          <span style={{ insetInlineStart: `${(progress * 100).toFixed(1)}%` }} />
        </span>
      )}
      <small aria-hidden="true">
        <span>{stop_distance === null ? '' : progress === null ? stop : percent(stop_distance, 1)}</span>
        <span>{target_distance === null ? '' : progress === null ? target : percent(target_distance, 1)}</span>
      </small>
    </div>
  )
}
