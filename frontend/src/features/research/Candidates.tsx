import type { Candidate, Study } from '../../api/client'
import { NONE, count, percent, signedUsd } from '../../format/numbers'
import { Amount } from '../../ui/Figure'
import { Table } from '../../ui/Table'
import type { Column } from '../../ui/Table'
import { figure, metricName } from './surface'

export const CANDIDATE_FILE = [
  { name: 'rank', value: (each: Candidate) => each.rank },
  { name: 'set', value: (each: Candidate) => each.number },
  { name: 'params', value: (each: Candidate) => Object.entries(each.params).map(([name, value]) => `${name}=${value}`).join(' ') },
  { name: 'metric_in_sample', value: (each: Candidate) => each.in_sample },
  { name: 'metric_out_of_sample', value: (each: Candidate) => each.out_of_sample },
  { name: 'pnl_in_sample_usd', value: (each: Candidate) => each.pnl_in_sample },
  { name: 'pnl_out_of_sample_usd', value: (each: Candidate) => each.pnl_out_of_sample },
  { name: 'trades_in_sample', value: (each: Candidate) => each.trades_in_sample },
  { name: 'trades_out_of_sample', value: (each: Candidate) => each.trades_out_of_sample },
]

const AT_FIRST = 10

/** The best sets where they were chosen, beside what they did where they were judged. */
export function Candidates({ study: { candidates, metric, ran } }: { study: Study }) {
  if (candidates.length === 0) return null
  const write = (value: number | null) => (value === null ? NONE : figure(metric, value))
  const pnl = (value: number) => <Amount of={value}>{signedUsd(value)}</Amount>
  const columns: Column<Candidate>[] = [
    { head: 'Rank', cell: (each) => each.rank },
    ...Object.keys(candidates[0]?.params ?? {}).map((name): Column<Candidate> => ({
      head: name,
      numeric: true,
      cell: (each) => each.params[name] ?? NONE,
    })),
    { head: `${metricName(metric)} in`, metric: 'in_sample', numeric: true, cell: (each) => write(each.in_sample) },
    { head: 'out', metric: 'out_of_sample', numeric: true, cell: (each) => write(each.out_of_sample) },
    { head: 'P&L in', metric: 'pnl_in_sample', numeric: true, cell: (each) => pnl(each.pnl_in_sample) },
    { head: 'out', metric: 'pnl_out_of_sample', numeric: true, cell: (each) => pnl(each.pnl_out_of_sample) },
    { head: 'Trades in', metric: 'trades', numeric: true, cell: (each) => count(each.trades_in_sample) },
    { head: 'out', metric: 'trades_out_of_sample', numeric: true, cell: (each) => count(each.trades_out_of_sample) },
    {
      head: 'Max drawdown',
      metric: 'max_drawdown_out_of_sample',
      numeric: true,
      cell: (each) => percent(each.max_drawdown_out_of_sample),
    },
  ]
  return (
    <>
      <div className="sub-head">
        <h3>Best sets</h3>
        <small>
          {count(Math.min(AT_FIRST, candidates.length))} of {count(ran)}, by {metricName(metric)} in sample; the file has up to 50
        </small>
      </div>
      <Table
        label="Best sets table"
        testId="candidates"
        dense
        columns={columns}
        rows={candidates.slice(0, AT_FIRST)}
        keyOf={(each) => each.number}
      />
    </>
  )
}
