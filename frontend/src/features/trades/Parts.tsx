import { Fragment } from 'react'

import type { TradeDetail, TradeSignal } from '../../api/client'
import { NONE, price, quantity, signedUsd, written } from '../../format/numbers'
import { dateTime, dayClock, span, zoneName } from '../../format/times'
import { words } from '../../format/words'
import { Amount } from '../../ui/Figure'
import { Heading, Term } from '../../ui/Heading'

type Pair = readonly [name: string, value: string | null, about?: { metric?: string; note?: string }]

function Pairs({ pairs }: { pairs: readonly Pair[] }) {
  return (
    <dl className="pairs">
      {pairs.map(([name, value, about]) => (
        <Fragment key={name}>
          <Term metric={about?.metric} note={about?.note}>{name}</Term>
          <dd>{value ?? NONE}</dd>
        </Fragment>
      ))}
    </dl>
  )
}

/** From what the reference prices would have made to what was realised; each part is the server's own figure. */
export function Costs({ detail: { trade, reference_pnl } }: { detail: TradeDetail }) {
  return (
    <section className="part" data-testid="trade-costs">
      <h3>Where the result comes from (USD)</h3>
      <dl className="pairs">
        <Term metric="split.price">Price move</Term>
        <dd>{reference_pnl === null ? NONE : signedUsd(reference_pnl)}</dd>
        <Term metric="split.slippage">Slippage</Term>
        <dd>{signedUsd(-Number(trade.slippage_cost))}</dd>
        <Term metric="split.fees">Fees</Term>
        <dd>{signedUsd(-Number(trade.fees))}</dd>
        <Term metric="split.funding">Funding</Term>
        <dd>{signedUsd(trade.funding_pnl)}</dd>
        <Term className="is-sum" metric="realised_pnl">Realised</Term>
        <dd className="is-sum">
          {trade.realised_pnl === null ? 'still open' : <Amount of={trade.realised_pnl}>{signedUsd(trade.realised_pnl)}</Amount>}
        </dd>
      </dl>
      {trade.suspect ? <p className="flag">Suspect: a fill far from the market, or a result out of proportion to the stake.</p> : null}
      {trade.late ? <p><small>Late: a market message behind one of its fills came after its time.</small></p> : null}
    </section>
  )
}

export function Levels({ detail }: { detail: TradeDetail }) {
  const { trade, deadline_ms: deadline } = detail
  const { market } = trade
  const moment = (t: number | null) => (t === null ? null : `${dateTime(t)} ${zoneName(t)}`)
  const pairs: Pair[] = [
    ['Opened', moment(trade.entry_ms)],
    ['Closed', trade.exit_ms === null ? 'open' : moment(trade.exit_ms)],
    ['Held', trade.exit_ms === null ? null : span((trade.exit_ms - trade.entry_ms) / 1_000), { metric: 'hold' }],
    ['Entry', price(trade.entry_price), { metric: 'position.entry_price', note: `Its reference: ${price(detail.entry_ref)}.` }],
    ['Exit', trade.exit_price === null ? null : price(trade.exit_price), { metric: 'position.exit_price' }],
    ['Stop', detail.stop_price === null ? 'off' : price(detail.stop_price), { note: 'Fixed at the entry.' }],
    ['Target', detail.target_price === null ? 'off' : price(detail.target_price), { note: 'Fixed at the entry.' }],
    ['Time limit', deadline === null ? 'off' : moment(deadline)],
    ['Quantity', market ? `${quantity(trade.quantity)} shares` : `${quantity(trade.quantity)} ${trade.asset}`],
    ['Stake', `${signedUsd(trade.stake).slice(1)} USD`, { metric: 'stake' }],
    ['Ledger', detail.ledger],
  ]
  if (market) {
    pairs.push(
      ['Token held', `${market.outcome} of ${market.title ?? trade.instrument}`],
      ['Window ends', moment(market.end_ms)],
      ['Resolved', market.payout === null ? 'not yet' : `it paid ${market.payout}`, { note: 'What the venue reported for one token held.' }],
    )
  }
  return (
    <section className="part">
      <h3>Levels</h3>
      <Pairs pairs={pairs} />
    </section>
  )
}

export function Inputs({ title, signal }: { title: string; signal: TradeSignal | null }) {
  return (
    <section className="part" data-testid="trade-inputs">
      <h3>{title}</h3>
      {signal === null ? (
        <p>The signal behind it is no longer stored.</p>
      ) : (
        <Pairs
          pairs={[
            ['Signal', `${signal.direction} ${signal.asset}, ${dayClock(signal.t)}`],
            ['Confidence', signal.confidence === null ? null : String(signal.confidence)],
            ['Price it named', signal.entry_price === null ? null : price(signal.entry_price)],
            ...signal.inputs.map(({ name, value }): Pair => [name.replaceAll('_', ' '), written(value)]),
          ]}
        />
      )}
    </section>
  )
}

export function Fills({ detail: { fills, funding } }: { detail: TradeDetail }) {
  return (
    <div className="trade-wide">
      <h3>Executions</h3>
      <div className="scroller" role="region" aria-label="Executions of this trade" tabIndex={0}>
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">What</th>
              <th scope="col" className="is-numeric">Quantity</th>
              <th scope="col" className="is-numeric">Price</th>
              <th scope="col" className="is-numeric">Reference</th>
              <Heading numeric metric="slippage_bps">Slippage (bps)</Heading>
              <th scope="col" className="is-numeric">Fee or funding</th>
            </tr>
          </thead>
          <tbody>
            {fills.map((fill) => (
              <tr key={fill.id}>
                <td className="nowrap">{dateTime(fill.t)}</td>
                <td>{fill.side} · {fill.purpose === 'entry' ? 'entry' : words(fill.purpose)}</td>
                <td className="is-numeric">{quantity(fill.quantity)}</td>
                <td className="is-numeric">{price(fill.price)}</td>
                <td className="is-numeric">{price(fill.reference_price)}</td>
                <td className="is-numeric">{fill.slippage_bps.toFixed(2)}</td>
                <td className="is-numeric">{signedUsd(-Number(fill.fee))}</td>
              </tr>
            ))}
            {funding.map((hour) => (
              <tr key={hour.id}>
                <td className="nowrap">{dateTime(hour.hour_ms)}</td>
                <td title={`Rate of that hour, ${hour.rate} of notional; above 0 longs pay.`}>funding</td>
                <td className="is-numeric">{quantity(hour.quantity)}</td>
                <td className="is-numeric">{price(hour.mark_price)}</td>
                <td />
                <td />
                <td className="is-numeric">{signedUsd(hour.amount)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}
