import { useFills, useSignals } from '../../api/queries'
import { price, quantity, signedUsd } from '../../format/numbers'
import { dateTime, dayClock, zoneName, zoneWord } from '../../format/times'
import { words } from '../../format/words'
import { Amount } from '../../ui/Figure'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'
import { entries } from './feed'
import type { FillEntry, SignalEntry } from './feed'

const LINES = 60

export function ActivityPanel() {
  const signals = useSignals()
  const fills = useFills()
  const both = {
    data: signals.data && fills.data ? entries(signals.data, fills.data, LINES) : undefined,
    error: signals.error ?? fills.error,
    isFetching: signals.isFetching || fills.isFetching,
    refetch: () => Promise.all([signals.refetch(), fills.refetch()]),
  }
  return (
    <Panel title="Activity" aside={zoneWord()} className="activity">
      <View
        query={both}
        lines={8}
        empty={(lines) => lines.length === 0}
        whyEmpty="No strategy has given a signal yet. Each is evaluated when its candle closes, and most evaluations have no opinion."
      >
        {(lines) => (
          <ol className="feed" tabIndex={0} aria-label="Newest first" data-testid="activity">
            {lines.map((entry) => (
              <li key={entry.key} data-id={entry.key}>{entry.kind === 'fill' ? <Fill entry={entry} /> : <Signal entry={entry} />}</li>
            ))}
          </ol>
        )}
      </View>
    </Panel>
  )
}

function Time({ t }: { t: number }) {
  return (
    <time dateTime={new Date(t).toISOString()} title={`${dateTime(t)} ${zoneName(t)}`}>
      {dayClock(t)}
    </time>
  )
}

function Fill({ entry }: { entry: FillEntry }) {
  const { fill } = entry
  const entered = fill.purpose === 'entry'
  return (
    <>
      <Time t={fill.t} />
      <span className={`side is-${fill.side === 'BUY' ? 'up' : 'down'}`}>{fill.side}</span>
      <span className="what">
        <Held fill={fill} /> at {price(fill.price)}
        <small>
          {fill.strategy} · {entered ? 'entry' : words(fill.exit_reason ?? fill.purpose)}
        </small>
      </span>
      {fill.realised_pnl === null ? null : <Amount of={fill.realised_pnl}>{signedUsd(fill.realised_pnl)}</Amount>}
    </>
  )
}

/** Coins, or shares of one token of a prediction market on the coin. */
function Held({ fill: { exchange, asset, direction, quantity: held } }: Pick<FillEntry, 'fill'>) {
  if (exchange !== 'polymarket') {
    return (
      <>
        {quantity(held)} <strong>{asset}</strong>
      </>
    )
  }
  return (
    <>
      {quantity(held)} {direction === 'LONG' ? 'YES' : 'NO'} shares on <strong>{asset}</strong>
    </>
  )
}

function Signal({ entry }: { entry: SignalEntry }) {
  const { signal, times } = entry
  return (
    <>
      <Time t={signal.t} />
      <span className="side">{signal.direction}</span>
      <span className="what is-soft">
        <strong>{signal.asset}</strong>{' '}
        {signal.decision === null ? 'waits for the broker' : `not taken: ${words(signal.reason ?? signal.decision)}`}
        {times > 1 ? <span className="times"> × {times}</span> : null}
        <small>{signal.strategy}</small>
      </span>
    </>
  )
}
