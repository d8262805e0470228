import type { Study } from '../../api/client'
import { NONE, count, signedUsd } from '../../format/numbers'
import { dateTime } from '../../format/times'
import { Amount } from '../../ui/Figure'
import { Table } from '../../ui/Table'
import type { Column } from '../../ui/Table'
import { figure, metricName } from './surface'

/** Of each fold what was chosen, and what that did afterwards: as one would have traded it. */
export function WalkForward({ study: { walk_forward, metric } }: { study: Study }) {
  if (walk_forward.length === 0) return null
  const gained = walk_forward.reduce((sum, fold) => sum + fold.pnl_out_of_sample, 0)
  const write = (value: number | null) => (value === null ? NONE : figure(metric, value))
  const minute = (t: number) => dateTime(t).slice(0, 16)
  const columns: Column<(typeof walk_forward)[number]>[] = [
    { head: 'Chosen from', wrap: 'nowrap', cell: (fold) => minute(fold.from_ms) },
    { head: 'Judged from', wrap: 'nowrap', cell: (fold) => minute(fold.split_ms) },
    { head: 'to', wrap: 'nowrap', cell: (fold) => minute(fold.to_ms) },
    {
      head: 'Chosen set',
      cell: (fold) =>
        fold.chosen === null ? 'none could be ranked' : Object.entries(fold.params).map(([name, value]) => `${name} ${value}`).join(', '),
    },
    { head: `${metricName(metric)} there`, metric: 'in_sample', numeric: true, cell: (fold) => write(fold.in_sample) },
    { head: `${metricName(metric)} after`, metric: 'out_of_sample', numeric: true, cell: (fold) => write(fold.out_of_sample) },
    {
      head: 'P&L after',
      metric: 'pnl_out_of_sample',
      numeric: true,
      cell: (fold) => <Amount of={fold.pnl_out_of_sample}>{signedUsd(fold.pnl_out_of_sample)}</Amount>,
    },
    { head: 'Trades after', metric: 'trades_out_of_sample', numeric: true, cell: (fold) => count(fold.trades_out_of_sample) },
  ]
  return (
    <>
      <div className="sub-head">
        <h3>{walk_forward.length > 1 ? 'Walk-forward' : 'Chosen, then judged'}</h3>
        <small>
          following each choice would have made <Amount of={gained}>{signedUsd(gained)}</Amount> USD where it was judged
        </small>
      </div>
      <Table label="Walk-forward table" testId="walk-forward" dense columns={columns} rows={walk_forward} keyOf={(fold) => fold.split_ms} />
    </>
  )
}
