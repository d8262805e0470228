import type { Bin, Group, StrategyDetail } from '../../api/client'
import { useEventTime, useStrategy, useStrategyHealth } from '../../api/queries'
import { count, percent, ratio, signedUsd } from '../../format/numbers'
import { span } from '../../format/times'
import { words } from '../../format/words'
import { Amount, Missing } from '../../ui/Figure'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'
import { link, useRoute } from '../../ui/route'
import { Alerts, isPausedByPerson } from './Alerts'
import { Docs } from './Docs'
import { Filters } from './Filters'
import { PauseButton } from './PauseButton'
import { Split } from './Split'
import { filtersOf } from './filters'

export function StrategyDetailPanels({ name }: { name: string }) {
  const { filters } = useRoute()
  const query = useStrategy(name, filtersOf(filters), useEventTime())
  const health = useStrategyHealth().data?.find((each) => each.name === name)
  return (
    <Panel
      title={query.data?.row.class_name ?? name}
      aside={
        <>
          {query.data ? `${query.data.row.status} · ${query.data.row.interval} · ` : ''}
          <a href={link('strategies')}>all strategies</a> · <a href={link('trades', { strategy: name })}>its trades</a>
        </>
      }
      tools={
        <>
          <Filters />
          {health ? <PauseButton strategy={name} name={health.class_name} paused={isPausedByPerson(health)} /> : null}
        </>
      }
      className="strategy-detail"
    >
      {health ? <Alerts alerts={health.alerts} /> : null}
      <View query={query} lines={12}>
        {(detail) => <Detail detail={detail} />}
      </View>
    </Panel>
  )
}

function Detail({ detail }: { detail: StrategyDetail }) {
  const { row } = detail
  return (
    <>
      <p className="detail-line">
        {count(row.trades)} trades · P&L <Amount of={row.total_pnl}>{signedUsd(row.total_pnl)}</Amount> · win rate{' '}
        {row.win_rate === null ? <Missing why="No position has been closed." /> : percent(row.win_rate, 1)} · Sharpe{' '}
        {row.sharpe === null ? <Missing why="It needs two days that differ." /> : `${ratio(row.sharpe)} on ${count(row.days)} days`}
      </p>
      <Split split={row.split} />
      {row.trades === 0 ? (
        <p className="note">No position has been closed under this filter: there is nothing to group yet.</p>
      ) : (
        <div className="breakdowns">
          <Groups title="Month (UTC)" groups={detail.months} />
          <Groups title="Exit reason" groups={detail.exit_reasons} named={words} />
          <Bars title="P&L of a position, USD" bins={detail.results} label={(bin) => `${ratio(bin.low)} to ${ratio(bin.high ?? 0)}`} looks={(bin) => (bin.low < 0 ? 'is-down' : 'is-up')} />
          <Bars title="Holding time" bins={detail.holds} label={(bin) => (bin.high === null ? `over ${span(bin.low)}` : `up to ${span(bin.high)}`)} />
        </div>
      )}
      <Docs sections={detail.docs} />
      <h3>Parameters</h3>
      <pre tabIndex={0}>{JSON.stringify({ params: detail.params, rules: detail.rules }, null, 2)}</pre>
      <p className="detail-line">
        Code <code>{detail.code_hash ?? 'not evaluated yet'}</code> · parameters <code>{detail.params_hash ?? ''}</code>
      </p>
    </>
  )
}

function Groups({ title, groups, named = String }: { title: string; groups: Group[]; named?: (name: string) => string }) {
  return (
    <div className="scroller" role="region" aria-label={title} tabIndex={0}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{title}</th>
            <th scope="col" className="is-numeric">Trades</th>
            <th scope="col" className="is-numeric">Win rate</th>
            <th scope="col" className="is-numeric">P&L</th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => (
            <tr key={group.name}>
              <th scope="row">{named(group.name)}</th>
              <td className="is-numeric">{count(group.trades)}</td>
              <td className="is-numeric">{group.win_rate === null ? '' : percent(group.win_rate, 1)}</td>
              <td className="is-numeric">
                <Amount of={group.realised_pnl}>{signedUsd(group.realised_pnl)}</Amount>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface BarsProps {
  title: string
  bins: Bin[]
  label: (bin: Bin) => string
  looks?: (bin: Bin) => string
}

function Bars({ title, bins, label, looks }: BarsProps) {
  const most = Math.max(1, ...bins.map((bin) => bin.trades))
  return (
    <figure className="bars">
      <figcaption>{title}</figcaption>
      <ol>
        {bins.map((bin) => (
          <li key={bin.low} title={`${label(bin)}: ${count(bin.trades)} trades`}>
            <span className="bar-name">{label(bin)}</span>
            <span className={`bar ${looks?.(bin) ?? ''}`} aria-hidden="true" style={{ width: `${(bin.trades / most) * 50}%` }} />
            <small>{count(bin.trades)}</small>
          </li>
        ))}
      </ol>
    </figure>
  )
}
