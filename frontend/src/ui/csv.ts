/** Tables as files: what is on the screen, for a spreadsheet. */

export interface CsvColumn<Row> {
  /** With its unit: `entry_ms`, `fees_usd`. */
  name: string
  value: (row: Row) => string | number | boolean | null | undefined
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** RFC 4180: lines end in CRLF, and a cell is quoted where it must be. Not known is an empty cell. */
export function csv<Row>(columns: readonly CsvColumn<Row>[], rows: readonly Row[]): string {
  const lines = [columns.map(({ name }) => cell(name)), ...rows.map((row) => columns.map(({ value }) => cell(value(row))))]
  return lines.map((cells) => `${cells.join(',')}\r\n`).join('')
}

function cell(value: string | number | boolean | null | undefined): string {
  const text = String(value ?? '')
  // A spreadsheet would run what begins like a formula; titles of markets come from outside.
  const safe = /^[=+\-@\t\r]/.test(text) && !NUMBER.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** Hands the file to the browser's downloads. */
export function download(file: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }))
  const anchor = document.createElement('a')
  anchor.href = url
  anchor.download = file
  anchor.click()
  URL.revokeObjectURL(url)
}
