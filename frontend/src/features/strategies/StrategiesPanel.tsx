import { useTable } from '@tanstack/react-table'

import type { StrategyRow } from '../../api/client'
import { useMeaning } from '../../api/meaning'
import { useComparison, useEventTime } from '../../api/queries'
import { direction } from '../../format/numbers'
import { CsvButton } from '../../ui/CsvButton'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'
import { useRoute } from '../../ui/route'
import { Filters } from './Filters'
import { filtersOf } from './filters'
import { columns, features } from './columns'
import { FILE_COLUMNS } from './file'

const ARIA = { asc: 'ascending', desc: 'descending' } as const
const ARROW = { asc: '↑', desc: '↓' } as const

export function StrategiesPanel() {
  const { filters } = useRoute()
  const query = useComparison(filtersOf(filters), useEventTime())
  return (
    <Panel
      title="Strategies"
      aside={summary(query.data)}
      tools={
        <>
          <Filters />
          <CsvButton name="strategies" columns={FILE_COLUMNS} rows={query.data} />
        </>
      }
      className="strategies"
    >
      <View
        query={query}
        lines={6}
        empty={(rows) => rows.length === 0}
        whyEmpty="No strategy has been registered yet. The broker lists them when it starts; enable one in config.yaml under strategies."
      >
        {(rows) => <Table rows={rows} />}
      </View>
    </Panel>
  )
}

function summary(rows: StrategyRow[] | undefined): string {
  if (!rows?.length) return ''
  const failed = rows.filter((row) => row.status === 'failed').length
  const active = rows.filter((row) => row.status === 'active').length
  const basis = rows[0]?.basis === 'closed' ? ' · closed positions of the filter' : ''
  return `${active} active${failed ? ` · ${failed} failed` : ''}${basis}`
}

function Table({ rows }: { rows: StrategyRow[] }) {
  const meaning = useMeaning()
  const table = useTable({
    features,
    columns,
    data: rows,
    getRowId: (row) => row.name,
    enableSortingRemoval: false,
    initialState: { sorting: [{ id: 'total_pnl', desc: true }] },
  })
  return (
    <div className="scroller" role="region" aria-label="Strategies table" tabIndex={0}>
      <table className="table is-sortable" data-testid="strategies">
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map((header) => {
                const sorted = header.column.getIsSorted()
                const meta = header.column.columnDef.meta
                return (
                  <th
                    key={header.id}
                    scope="col"
                    className={meta?.numeric ? 'is-numeric' : ''}
                    aria-sort={sorted ? ARIA[sorted] : 'none'}
                  >
                    <button type="button" title={meaning(meta?.metric, meta?.hint)} onClick={header.column.getToggleSortingHandler()}>
                      <table.FlexRender header={header} />
                      <span className="arrow" aria-hidden="true">
                        {sorted ? ARROW[sorted] : ''}
                      </span>
                    </button>
                  </th>
                )
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {table.getRowModel().rows.map((row) => (
            <tr key={row.id} className={`row is-${direction(row.original.total_pnl)}`}>
              {row.getAllCells().map((cell) => (
                <td key={cell.id} className={cell.column.columnDef.meta?.numeric ? 'is-numeric' : ''}>
                  <table.FlexRender cell={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
