import { useRunTrades } from '../../api/research'
import type { RunTrade } from '../../api/research'
import { count, direction, price, signedUsd } from '../../format/numbers'
import { dayClock, span, zoneWord } from '../../format/times'
import { words } from '../../format/words'
import { Amount } from '../../ui/Figure'
import { ListPanel } from '../../ui/ListPanel'
import type { Column } from '../../ui/Table'
import { link, useRoute } from '../../ui/route'

const FILE = (
  [
    'strategy', 'asset', 'direction', 'quantity', 'stake', 'entry_time', 'entry_price', 'exit_time', 'exit_price', 'exit_reason',
    'gross_pnl', 'fees', 'funding_pnl', 'slippage_cost', 'realised_pnl', 'confidence', 'suspect',
  ] as const
).map((name) => ({ name, value: (row: RunTrade) => row[name] }))

const COLUMNS: readonly Column<RunTrade>[] = [
  {
    head: 'Position',
    cell: (row) => (
      <>
        <span className={`side is-${row.direction === 'LONG' ? 'up' : 'down'}`}>{row.direction}</span> <strong>{row.asset}</strong>
        <small className="below">{row.strategy}</small>
      </>
    ),
  },
  { head: 'Opened', wrap: 'nowrap', cell: (row) => dayClock(row.entry_time) },
  {
    head: 'Closed',
    wrap: 'nowrap',
    cell: (row) => (
      <>
        {dayClock(row.exit_time)}
        <small className="below">{words(row.exit_reason)}</small>
      </>
    ),
  },
  { head: 'Held', metric: 'hold', numeric: true, cell: (row) => span((row.exit_time - row.entry_time) / 1_000) },
  { head: 'Entry', metric: 'position.entry_price', numeric: true, cell: (row) => price(row.entry_price) },
  { head: 'Exit', metric: 'position.exit_price', numeric: true, cell: (row) => price(row.exit_price) },
  { head: 'Price', metric: 'gross_pnl', numeric: true, cell: (row) => signedUsd(row.gross_pnl) },
  { head: 'Fees', metric: 'split.fees', numeric: true, cell: (row) => signedUsd(-Number(row.fees)) },
  { head: 'Funding', metric: 'split.funding', numeric: true, cell: (row) => signedUsd(row.funding_pnl) },
  {
    head: 'Result',
    metric: 'realised_pnl',
    numeric: true,
    cell: (row) => <Amount of={row.realised_pnl}>{signedUsd(row.realised_pnl)}</Amount>,
  },
]

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
    <ListPanel
      title={`Trades of run #${run}`}
      aside={
        <>
          {trades && total !== undefined ? `${count(trades.length)} of ${count(total)} · ${zoneWord()} · ` : ''}
          <a href={link('research', without)}>close</a>
        </>
      }
      className="run-trades"
      query={query}
      rows={trades}
      lines={8}
      whyEmpty="This run closed no position: no signal of it got through the entry checks, or there was none."
      file={{ name: `backtest-${run}-trades`, columns: FILE }}
      more={{ label: 'Show more trades', pages: query }}
      label="Trades of the run"
      testId="run-trades"
      columns={COLUMNS}
      // Closed in one order that a stored run never changes: the place is the name.
      keyOf={(_, place) => place}
      classOf={(row) => `row is-${direction(row.realised_pnl)}`}
    />
  )
}
