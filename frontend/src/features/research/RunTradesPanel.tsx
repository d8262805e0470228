import { useRunTrades } from '../../api/research'
import type { RunTrade } from '../../api/research'
import { count, direction, signedUsd } from '../../format/numbers'
import { dayClock, span, zoneWord } from '../../format/times'
import { words } from '../../format/words'
import { CsvButton } from '../../ui/CsvButton'
import { Amount } from '../../ui/Figure'
import { More } from '../../ui/More'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'
import { link, useRoute } from '../../ui/route'

const FILE = (
  [
    'strategy', 'asset', 'direction', 'quantity', 'stake', 'entry_time', 'entry_price', 'exit_time', 'exit_price', 'exit_reason',
    'gross_pnl', 'fees', 'funding_pnl', 'slippage_cost', 'realised_pnl', 'confidence', 'suspect',
  ] as const
).map((name) => ({ name, value: (row: RunTrade) => row[name] }))

/** Every trade of the backtest that the link names, in order of closing; nothing where it names none. */
export function RunTradesPanel() {
  const { filters } = useRoute()
  const run = Number(filters.get('trades_of'))
  return Number.isSafeInteger(run) && run > 0 ? <Trades key={run} run={run} /> : null
}

function Trades({ run }: { run: number }) {
  const { filters } = useRoute()
  const query = useRunTrades(run)
  const trades = query.data?.pages.flatMap((page) => page.trades)
  const total = query.data?.pages[0]?.total
  const without = { ...Object.fromEntries(filters), trades_of: null }
  return (
    <Panel
      title={`Trades of run #${run}`}
      aside={
        <>
          {trades && total !== undefined ? `${count(trades.length)} of ${count(total)} · ${zoneWord()} · ` : ''}
          <a href={link('research', without)}>close</a>
        </>
      }
      tools={<CsvButton name={`backtest-${run}-trades`} columns={FILE} rows={trades} />}
      className="run-trades"
    >
      <View
        query={{ ...query, data: trades }}
        lines={8}
        empty={(rows) => rows.length === 0}
        whyEmpty="This run closed no position: no signal of it got through the entry checks, or there was none."
      >
        {(rows) => <Table rows={rows} />}
      </View>
      <More query={query} label="Show more trades" />
    </Panel>
  )
}

function Table({ rows }: { rows: RunTrade[] }) {
  return (
    <div className="scroller" role="region" aria-label="Trades of the run" tabIndex={0}>
      <table className="table" data-testid="run-trades">
        <thead>
          <tr>
            <th scope="col">Position</th>
            <th scope="col">Opened</th>
            <th scope="col">Closed</th>
            <th scope="col" className="is-numeric">Held</th>
            <th scope="col" className="is-numeric">Entry</th>
            <th scope="col" className="is-numeric">Exit</th>
            <th scope="col" className="is-numeric">Price</th>
            <th scope="col" className="is-numeric">Fees</th>
            <th scope="col" className="is-numeric">Funding</th>
            <th scope="col" className="is-numeric">Result</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, place) => (
            // Closed in one order that a stored run never changes: the place is the name.
            <tr key={place} className={`row is-${direction(row.realised_pnl)}`}>
              <td>
                <strong>{row.direction}</strong> {row.asset}
                <small className="below">{row.strategy}</small>
              </td>
              <td className="nowrap">{dayClock(row.entry_time)}</td>
              <td className="nowrap">
                {dayClock(row.exit_time)}
                <small className="below">{words(row.exit_reason)}</small>
              </td>
              <td className="is-numeric">{span((row.exit_time - row.entry_time) / 1_000)}</td>
              <td className="is-numeric">{row.entry_price}</td>
              <td className="is-numeric">{row.exit_price}</td>
              <td className="is-numeric">{signedUsd(row.gross_pnl)}</td>
              <td className="is-numeric">{signedUsd(-Number(row.fees))}</td>
              <td className="is-numeric">{signedUsd(row.funding_pnl)}</td>
              <td className="is-numeric">
                <Amount of={row.realised_pnl}>{signedUsd(row.realised_pnl)}</Amount>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
