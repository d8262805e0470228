import { csv, download } from './csv'
import type { CsvColumn } from './csv'

interface Props<Row> {
  /** Of the file, without its ending. */
  name: string
  columns: readonly CsvColumn<Row>[]
  rows: readonly Row[] | undefined
}

/** Saves the rows that the table holds; times in it are UTC milliseconds, whatever clock the page shows. */
export function CsvButton<Row>({ name, columns, rows }: Props<Row>) {
  return (
    <button
      type="button"
      className="button is-quiet"
      title="Save these rows as a CSV file; times in it are UTC."
      disabled={!rows?.length}
      onClick={() => {
        download(`${name}.csv`, csv(columns, rows ?? []))
      }}
    >
      CSV
    </button>
  )
}
