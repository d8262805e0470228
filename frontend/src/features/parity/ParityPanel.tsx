import type { ParityRow } from '../../api/client'
import { useParity } from '../../api/research'
import { NONE, count } from '../../format/numbers'
import { dateTime, span, zoneName, zoneWord } from '../../format/times'
import { words } from '../../format/words'
import { Choice } from '../../ui/Choice'
import { ListPanel } from '../../ui/ListPanel'
import { Status } from '../../ui/Status'
import type { Column } from '../../ui/Table'
import { link, replace, useRoute } from '../../ui/route'
import { ReportPanel } from './ReportPanel'

const ORDERS = ['all', 'recorded', 'ideal'] as const
const VERDICTS = ['all', 'identical', 'explained', 'different', 'unexplained'] as const
const FILE = [
  { name: 'report', value: (row: ParityRow) => row.id },
  { name: 'ledger', value: (row: ParityRow) => row.ledger },
  { name: 'order', value: (row: ParityRow) => row.order },
  { name: 'from_ms', value: (row: ParityRow) => row.from_ms },
  { name: 'to_ms', value: (row: ParityRow) => row.to_ms },
  { name: 'verdict', value: (row: ParityRow) => row.verdict },
  { name: 'differences', value: (row: ParityRow) => row.difference_count },
  { name: 'causes', value: (row: ParityRow) => row.causes.map(({ cause, count: times }) => `${cause}=${times}`).join(' ') },
  { name: 'code_version', value: (row: ParityRow) => row.code_version },
]
const LOOKS = { identical: 'ok', explained: 'ok', different: 'down', unexplained: 'down' } as const

function columns(shown: number | undefined, linkTo: (report: number) => string): Column<ParityRow>[] {
  return [
    {
      head: 'Span',
      wrap: 'nowrap',
      cell: (row) => (
        <>
          <a
            href={linkTo(row.id)}
            aria-current={row.id === shown ? 'true' : undefined}
            title={`Checked ${dateTime(row.created_ms)} ${zoneName(row.created_ms)} by the wall clock`}
          >
            {dateTime(row.from_ms).slice(0, 16)}
          </a>
          <small className="below">
            {span((row.to_ms - row.from_ms) / 1_000)}
            {row.nightly ? ' · nightly' : ''}
          </small>
        </>
      ),
    },
    { head: 'Ledger', note: 'The portfolio, or with per_strategy isolation the ledger of one strategy.', cell: ({ ledger }) => ledger },
    { head: 'Order', cell: ({ order }) => order },
    { head: 'Verdict', cell: ({ verdict }) => <Status look={LOOKS[verdict]}>{verdict}</Status> },
    {
      head: 'Compared',
      metric: 'compared',
      numeric: true,
      cell: ({ compared }) => count(Object.values(compared).reduce((sum, each) => sum + each, 0)),
    },
    { head: 'Differences', metric: 'difference_count', numeric: true, cell: (row) => count(row.difference_count) },
    {
      head: 'By cause',
      cell: ({ causes }) =>
        causes.length ? causes.map(({ cause, count: times }) => `${words(cause)} ${count(times)}`).join(', ') : 'none',
    },
    { head: 'Code', wrap: 'nowrap', cell: ({ code_version }) => <small>{code_version || NONE}</small> },
  ]
}

/** Every check of whether the record replays and whether a backtest would have traded the same. */
export function ParityPanel() {
  const { filters } = useRoute()
  const order = ORDERS.find((each) => each === filters.get('order')) ?? 'all'
  const verdict = VERDICTS.find((each) => each === filters.get('verdict')) ?? 'all'
  const query = useParity({ order: order === 'all' ? null : order, verdict: verdict === 'all' ? null : verdict })
  const rows = query.data?.pages.flatMap((page) => page.reports)
  const wanted = Number(filters.get('report'))
  const shown = wanted > 0 ? wanted : rows?.[0]?.id
  const filtered = order !== 'all' || verdict !== 'all'
  const go = (changes: Record<string, string>) => {
    const next = { order, verdict, ...changes }
    replace(link('parity', { order: next.order === 'all' ? null : next.order, verdict: next.verdict === 'all' ? null : next.verdict }))
  }
  return (
    <>
      <p className="lead">
        <strong>Recorded order</strong> feeds what was recorded through the same code again: every signal, decision, fill and ledger row must
        come out byte for byte. <strong>Ideal order</strong> runs the same span as a backtest: every difference must have a cause.
      </p>
      {shown === undefined ? null : <ReportPanel id={shown} />}
      <ListPanel
        title="Checks"
        aside={`each night, and on request · ${zoneWord()}`}
        filters={
          <>
            <Choice label="Order" options={ORDERS} value={order} onChange={(next) => { go({ order: next }) }} />
            <Choice label="Verdict" options={VERDICTS} value={verdict} onChange={(next) => { go({ verdict: next }) }} />
          </>
        }
        query={query}
        rows={rows}
        whyEmpty={
          filtered ? (
            'No check matches the filters.'
          ) : (
            <>
              No check has been stored yet. One of each kind follows every UTC day of market time;{' '}
              <code>python -m trading_core parity --from … --to … --store</code> checks a span now.
            </>
          )
        }
        file={{ name: 'parity', columns: FILE }}
        more={{ label: 'Show older checks', pages: query }}
        label="Checks table"
        testId="parity"
        columns={columns(shown, (report) => link('parity', { ...Object.fromEntries(filters), report: String(report) }))}
        keyOf={({ id }) => id}
        classOf={({ id }) => (id === shown ? 'is-chosen' : '')}
      />
    </>
  )
}
