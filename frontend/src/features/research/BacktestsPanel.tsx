import type { BacktestRow } from '../../api/client'
import { useMeaning } from '../../api/meaning'
import { useBacktests } from '../../api/research'
import { count } from '../../format/numbers'
import { dateTime, zoneName } from '../../format/times'
import { CsvButton } from '../../ui/CsvButton'
import { Amount } from '../../ui/Figure'
import { More } from '../../ui/More'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'
import { link, replace, useRoute } from '../../ui/route'
import { Span } from './Span'
import { MOST, chosenRuns, withRun } from './choice'
import { FIGURES } from './figures'

const IN_TABLE = ['realised_pnl_usd', 'return_fraction', 'sharpe', 'sortino', 'max_drawdown_fraction', 'trades', 'win_rate', 'profit_factor']
const COLUMNS = FIGURES.filter(({ name }) => IN_TABLE.includes(name))
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
  const meaning = useMeaning()
  const query = useBacktests()
  const { filters } = useRoute()
  const rows = query.data?.pages.flatMap((page) => page.runs)
  const chosen = chosenRuns(filters.get('runs'), rows ?? [])
  return (
    <Panel
      title="Backtests"
      aside={rows?.length ? `tick up to ${MOST} to compare them` : ''}
      tools={<CsvButton name="backtests" columns={FILE} rows={rows} />}
    >
      <View
        query={{ ...query, data: rows }}
        lines={5}
        empty={(found) => found.length === 0}
        whyEmpty={
          <>
            No backtest has been stored yet. Every run of <code>python -m trading_core backtest --all --from … --to …</code> appears here,
            unless it was told not to save.
          </>
        }
      >
        {(found) => (
          <div className="scroller" role="region" aria-label="Backtests table" tabIndex={0}>
            <table className="table" data-testid="backtests">
              <thead>
                <tr>
                  <th scope="col">Run</th>
                  <th scope="col">Span</th>
                  {COLUMNS.map(({ name, label, metric, hint }) => (
                    <th key={name} scope="col" className="is-numeric" title={meaning(metric, hint)}>
                      {label}
                    </th>
                  ))}
                  <th scope="col" title="Where the candles came from, and what decided exits.">Source</th>
                </tr>
              </thead>
              <tbody>
                {found.map((run) => (
                  <Row
                    key={run.id}
                    run={run}
                    chosen={chosen.includes(run.id)}
                    full={chosen.length >= MOST}
                    choose={(on) => {
                      replace(link('research', { ...Object.fromEntries(filters), runs: withRun(chosen, run.id, on) }))
                    }}
                  />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </View>
      <More query={query} label="Show older runs" />
    </Panel>
  )
}

interface RowProps {
  run: BacktestRow
  chosen: boolean
  full: boolean
  choose: (on: boolean) => void
}

function Row({ run, chosen, full, choose }: RowProps) {
  const { filters } = useRoute()
  return (
    <tr className={chosen ? 'is-chosen' : ''}>
      <td>
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
      </td>
      <td className="nowrap">
        <Span from={run.from_ms} to={run.to_ms} />
      </td>
      {COLUMNS.map(({ name, text }) => (
        <td key={name} className="is-numeric">
          {name === 'realised_pnl_usd' ? (
            <Amount of={run.realised_pnl}>{text(run)}</Amount>
          ) : name === 'trades' && run.trades ? (
            <a href={link('research', { ...Object.fromEntries(filters), trades_of: String(run.id) })} title={`Show the trades of run #${run.id}`}>
              {text(run)}
            </a>
          ) : (
            text(run)
          )}
        </td>
      ))}
      <td className="nowrap">
        {run.source}
        <small className="below">{run.fidelity}</small>
      </td>
    </tr>
  )
}
