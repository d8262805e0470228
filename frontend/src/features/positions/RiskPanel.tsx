import type { Risk, StrategyRisk } from '../../api/client'
import { useRisk } from '../../api/trades'
import { percent, signedUsd, usd } from '../../format/numbers'
import { dateTime, zoneName } from '../../format/times'
import { Amount, Missing } from '../../ui/Figure'
import { Panel } from '../../ui/Panel'
import { Status } from '../../ui/Status'
import { Table } from '../../ui/Table'
import type { Column } from '../../ui/Table'
import { View } from '../../ui/View'

const COLUMNS: readonly Column<StrategyRisk>[] = [
  {
    head: 'Strategy',
    cell: ({ strategy, changed_limits: changed }) => (
      <>
        <strong>{strategy}</strong>
        {changed.length ? (
          <span className="flag" title={`Changed by a person while the broker runs: ${changed.join(', ')}.`}>limits changed</span>
        ) : null}
      </>
    ),
  },
  {
    head: 'Today',
    metric: 'day_realised',
    numeric: true,
    cell: ({ day_realised: made }) => <Amount of={made}>{signedUsd(made)}</Amount>,
  },
  { head: 'Day limit used', metric: 'day_used', cell: (risk) => <DayUsed risk={risk} /> },
  {
    head: 'Positions',
    metric: 'open_positions',
    numeric: true,
    cell: ({ open_positions: open, max_positions: most }) => `${open} of ${most}`,
  },
  {
    head: 'Exposure',
    metric: 'exposure_usd',
    note: 'Small: what the exposure of the whole ledger may reach.',
    numeric: true,
    cell: ({ exposure_usd: exposure, max_exposure: most }) => (
      <>
        {usd(exposure)}
        <small className="below">ledger: at most {usd(most)}</small>
      </>
    ),
  },
  {
    head: 'State',
    cell: ({ pauses }) =>
      pauses.length === 0 ? (
        <Status look="ok">trading</Status>
      ) : (
        pauses.map((pause) => (
          <Status key={pause.cause} look="paused" title={pause.reason}>
            {pause.until_ms === null ? 'paused by a person' : `day limit, until ${dateTime(pause.until_ms)} ${zoneName(pause.until_ms)}`}
          </Status>
        ))
      ),
  },
]

function DayUsed({ risk: { strategy, day_used: used, day_loss_limit: limit } }: { risk: StrategyRisk }) {
  if (used === null) return <Missing why="This strategy has no daily limit." />
  return (
    <div className="used" title={`of a loss of ${usd(limit)} USD`}>
      <progress max={1} value={Math.min(1, used)} aria-label={`Day limit of ${strategy} used`} className={used >= 0.75 ? 'is-near' : ''} />
      <span>{percent(used, 0)}</span>
    </div>
  )
}

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
      <Table label={`Risk of ${ledger.ledger}`} testId="risk" columns={COLUMNS} rows={ledger.strategies} keyOf={({ strategy }) => strategy} />
    </>
  )
}
