import type { Risk, StrategyRisk } from '../../api/client'
import { useRisk } from '../../api/trades'
import { percent, signedUsd, usd } from '../../format/numbers'
import { dateTime, zoneName } from '../../format/times'
import { Amount, Missing } from '../../ui/Figure'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'

/** How much of its limits each strategy has used, as the broker remembers it. */
export function RiskPanel() {
  const query = useRisk()
  const newest = query.data?.ledgers[0]?.event_time_ms
  return (
    <Panel title="Risk" aside={newest === undefined ? '' : `as of ${dateTime(newest)} ${zoneName(newest)}`} className="risk">
      <View
        query={query}
        lines={4}
        empty={({ ledgers }) => ledgers.length === 0}
        whyEmpty="The broker has not stored a checkpoint yet. Limits and their use appear with its first one."
      >
        {({ ledgers }) => (
          <>
            {ledgers.map((ledger) => (
              <Ledger key={ledger.ledger} ledger={ledger} named={ledgers.length > 1} />
            ))}
          </>
        )}
      </View>
    </Panel>
  )
}

function Ledger({ ledger, named }: { ledger: Risk['ledgers'][number]; named: boolean }) {
  return (
    <>
      <p className="risk-line">
        {named ? <strong>{ledger.ledger} · </strong> : null}
        Exposure {usd(ledger.exposure_usd)} USD
        {ledger.exposure_fraction === null ? '' : `, ${percent(ledger.exposure_fraction, 1)} of equity`} · the day began with{' '}
        {usd(ledger.day_start_equity)} USD
      </p>
      <div className="scroller" role="region" aria-label={`Risk of ${ledger.ledger}`} tabIndex={0}>
        <table className="table" data-testid="risk">
          <thead>
            <tr>
              <th scope="col">Strategy</th>
              <th scope="col" className="is-numeric" title="Realised P&L of the positions closed this UTC day, USD.">Today</th>
              <th scope="col" title="Loss of the day over max_daily_loss × equity at the start of the day; at 100 % it is paused until midnight UTC.">Day limit used</th>
              <th scope="col" className="is-numeric" title="Open positions of max_positions.">Positions</th>
              <th scope="col" className="is-numeric" title="Notional of its own open positions; small: what the exposure of the whole ledger may reach.">Exposure</th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {ledger.strategies.map((strategy) => (
              <Row key={strategy.strategy} strategy={strategy} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}

function Row({ strategy }: { strategy: StrategyRisk }) {
  const { changed_limits: changed, day_used: used, pauses } = strategy
  return (
    <tr>
      <td>
        <strong>{strategy.strategy}</strong>
        {changed.length ? (
          <span className="flag" title={`Changed by a person while the broker runs: ${changed.join(', ')}.`}>limits changed</span>
        ) : null}
      </td>
      <td className="is-numeric"><Amount of={strategy.day_realised}>{signedUsd(strategy.day_realised)}</Amount></td>
      <td>
        {used === null ? (
          <Missing why="This strategy has no daily limit." />
        ) : (
          <div className="used" title={`of a loss of ${usd(strategy.day_loss_limit)} USD`}>
            <progress max={1} value={Math.min(1, used)} aria-label={`Day limit of ${strategy.strategy} used`} className={used >= 0.75 ? 'is-near' : ''} />
            <span>{percent(used, 0)}</span>
          </div>
        )}
      </td>
      <td className="is-numeric">{strategy.open_positions} of {strategy.max_positions}</td>
      <td className="is-numeric">
        {usd(strategy.exposure_usd)}
        <small className="below">ledger: at most {usd(strategy.max_exposure)}</small>
      </td>
      <td>
        {pauses.length === 0 ? (
          <span className="status is-ok"><span className="dot" aria-hidden="true" />trading</span>
        ) : (
          pauses.map((pause) => (
            <span key={pause.cause} className="status is-paused" title={pause.reason}>
              <span className="dot" aria-hidden="true" />
              {pause.until_ms === null ? 'paused by a person' : `day limit, until ${dateTime(pause.until_ms)} ${zoneName(pause.until_ms)}`}
            </span>
          ))
        )}
      </td>
    </tr>
  )
}
