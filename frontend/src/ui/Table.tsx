import type { ReactNode } from 'react'

import { Heading } from './Heading'

export interface Column<Row> {
  head: ReactNode
  /** The figure as the API names it: its formula is the tooltip. */
  metric?: string
  /** What else the tooltip says. */
  note?: string
  numeric?: boolean
  /** nowrap: dates and the like; text: sentences, which may take several lines. */
  wrap?: 'nowrap' | 'text'
  cell: (row: Row) => ReactNode
}

interface Props<Row> {
  /** What it lists, for whoever cannot see it. */
  label: string
  testId?: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  keyOf: (row: Row, place: number) => string | number
  classOf?: (row: Row) => string
  dense?: boolean
}

/** Rows under headings that say what their figures are; wider than the page it scrolls by itself. */
export function Table<Row>({ label, testId, columns, rows, keyOf, classOf, dense = false }: Props<Row>) {
  return (
    <div className="scroller" role="region" aria-label={label} tabIndex={0}>
      <table className={dense ? 'table is-dense' : 'table'} data-testid={testId}>
        <thead>
          <tr>
            {columns.map(({ head, metric, note, numeric }, place) => (
              <Heading key={place} metric={metric} note={note} numeric={numeric}>
                {head}
              </Heading>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, place) => (
            <tr key={keyOf(row, place)} className={classOf?.(row)}>
              {columns.map((column, at) => (
                <td key={at} className={looks(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function looks({ numeric, wrap }: Pick<Column<never>, 'numeric' | 'wrap'>): string | undefined {
  const names = [numeric ? 'is-numeric' : '', wrap === 'nowrap' ? 'nowrap' : wrap === 'text' ? 'is-text' : '']
  return names.filter(Boolean).join(' ') || undefined
}
