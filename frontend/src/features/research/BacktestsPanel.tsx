import type { BacktestRow } from '../../api/client'
import { useBacktests } from '../../api/research'
import { count } from '../../format/numbers'
import { dateTime, zoneName } from '../../format/times'
import { Amount } from '../../ui/Figure'
import { ListPanel } from '../../ui/ListPanel'
import type { Column } from '../../ui/Table'
import { link, replace, useRoute } from '../../ui/route'
import { Span } from './Span'
import { MOST, chosenRuns, withRun } from './choice'
import { FIGURES } from './figures'

const IN_TABLE = ['realised_pnl_usd', 'return_fraction', 'sharpe', 'sortino', 'max_drawdown_fraction', 'trades', 'win_rate', 'profit_factor']
const SHOWN = FIGURES.filter(({ name }) => IN_TABLE.includes(name))
const FILE = [
  { name: 'run', value: (run: BacktestRow) => run.id },
  { name: 'strategies', value: (run: BacktestRow) => run.strategies.join(' ') },
  { name: 'assets', value: (run: BacktestRow) => run.assets.join(' ') },
  { name: 'from_ms', value: (run: BacktestRow) => run.from_ms },
  { name: 'to_ms', value: (run: BacktestRow) => run.to_ms },
  { name: 'source', value: (run: BacktestRow) => run.source },
  { name: 'fidelity', value: (run: BacktestRow) => run.fidelity },
  ...FIGURES.map(({ name, value }) => ({ name, value })),
]

/** Every stored run; those that are ticked stand beside each other below. */
export function BacktestsPanel() {
  const query = useBacktests()
  const { filters } = useRoute()
  const rows = query.data?.pages.flatMap((page) => page.runs)
  const chosen = chosenRuns(filters.get('runs'), rows ?? [])
  const address = (changes: Record<string, string | null>) => link('research', { ...Object.fromEntries(filters), ...changes })
  const columns: Column<BacktestRow>[] = [
    {
      head: 'Run',
      cell: (run) => (
        <Tick
          run={run}
          chosen={chosen.includes(run.id)}
          full={chosen.length >= MOST}
          choose={(on) => {
            replace(address({ runs: withRun(chosen, run.id, on) }))
          }}
        />
      ),
    },
    { head: 'Span', wrap: 'nowrap', cell: (run) => <Span from={run.from_ms} to={run.to_ms} /> },
    ...SHOWN.map(({ name, label, metric, hint, text }): Column<BacktestRow> => ({
      head: label,
      ...(metric === undefined ? {} : { metric }),
      ...(hint === undefined ? {} : { note: hint }),
      numeric: true,
      cell: (run) =>
        name === 'realised_pnl_usd' ? (
          <Amount of={run.realised_pnl}>{text(run)}</Amount>
        ) : name === 'trades' && run.trades ? (
          <a href={address({ trades_of: String(run.id) })} title={`Show the trades of run #${run.id}`}>
            {text(run)}
          </a>
        ) : (
          text(run)
        ),
    })),
    {
      head: 'Source',
      note: 'Where the candles came from, and what decided exits.',
      wrap: 'nowrap',
      cell: (run) => (
        <>
          {run.source}
          <small className="below">{run.fidelity}</small>
        </>
      ),
    },
  ]
  return (
    <ListPanel
      title="Backtests"
      aside={rows?.length ? `tick up to ${MOST} to compare them` : ''}
      query={query}
      rows={rows}
      whyEmpty={
        <>
          No backtest has been stored yet. Every run of <code>python -m trading_core backtest --all --from … --to …</code> appears here,
          unless it was told not to save.
        </>
      }
      file={{ name: 'backtests', columns: FILE }}
      more={{ label: 'Show older runs', pages: query }}
      label="Backtests table"
      testId="backtests"
      columns={columns}
      keyOf={({ id }) => id}
      classOf={({ id }) => (chosen.includes(id) ? 'is-chosen' : '')}
    />
  )
}

interface TickProps {
  run: BacktestRow
  chosen: boolean
  full: boolean
  choose: (on: boolean) => void
}

function Tick({ run, chosen, full, choose }: TickProps) {
  return (
    <label className="tick" title={`Stored ${dateTime(run.created_ms)} ${zoneName(run.created_ms)} by the wall clock`}>
      <input
        type="checkbox"
        checked={chosen}
        disabled={full && !chosen}
        onChange={(event) => {
          choose(event.currentTarget.checked)
        }}
      />
      <span>
        <strong>#{run.id}</strong> {run.strategies.length > 2 ? `${count(run.strategies.length)} strategies` : run.strategies.join(', ')}
        <small className="below">{run.assets.join(', ')}</small>
      </span>
    </label>
  )
}
