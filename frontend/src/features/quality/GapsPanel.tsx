import type { GapRow } from '../../api/client'
import { useEventTime, useGaps } from '../../api/queries'
import { dateTime, span, zoneWord } from '../../format/times'
import { Choice } from '../../ui/Choice'
import { ListPanel } from '../../ui/ListPanel'
import { Status } from '../../ui/Status'
import type { Column } from '../../ui/Table'
import { link, replace, useRoute } from '../../ui/route'
import { meaning } from './meaning'

const FILE = [
  { name: 'exchange', value: (row: GapRow) => row.exchange },
  { name: 'asset', value: (row: GapRow) => row.asset },
  { name: 'channel', value: (row: GapRow) => row.channel },
  { name: 'from_ms', value: (row: GapRow) => row.from_ms },
  { name: 'to_ms', value: (row: GapRow) => row.to_ms },
  { name: 'state', value: (row: GapRow) => row.state },
  { name: 'reason', value: (row: GapRow) => row.reason },
]
const STATES = ['all', 'open', 'lost', 'filled'] as const
const LOOKS = { open: 'down', lost: 'degraded', filled: 'ok' } as const

const COLUMNS: readonly Column<GapRow>[] = [
  {
    head: 'Channel',
    cell: (gap) => (
      <>
        <strong>{gap.asset}</strong> {gap.channel}
        <small className="below">{gap.exchange}</small>
      </>
    ),
  },
  { head: 'State', cell: ({ state }) => <Status look={LOOKS[state]}>{state}</Status> },
  { head: 'From', wrap: 'nowrap', cell: ({ from_ms }) => dateTime(from_ms) },
  { head: 'Lasted', numeric: true, cell: (gap) => <Lasted gap={gap} /> },
  { head: 'Reason', wrap: 'text', cell: ({ reason }) => reason },
  { head: 'What it means', wrap: 'text', cell: meaning },
]

export function GapsPanel() {
  const { filters } = useRoute()
  const exchange = filters.get('exchange')
  const asset = filters.get('asset')
  const channel = filters.get('channel')
  const state = STATES.find((each) => each === filters.get('state')) ?? 'all'
  const query = useGaps({ exchange, asset, channel, state: state === 'all' ? null : state })
  const of = [asset, channel].filter(Boolean).join(' ')
  return (
    <ListPanel
      title="Gaps"
      aside={
        of ? (
          <>
            of {of} · <a href={link('data', { state: state === 'all' ? null : state })}>all channels</a>
          </>
        ) : (
          `${zoneWord()}, open ones first`
        )
      }
      filters={
        <Choice
          label="State"
          options={STATES}
          value={state}
          onChange={(next) => {
            replace(link('data', { exchange, asset, channel, state: next === 'all' ? null : next }))
          }}
        />
      }
      className="gaps"
      query={query}
      rows={query.data?.pages.flatMap((page) => page.gaps)}
      whyEmpty={
        state === 'all' && !of
          ? 'No hole has been seen in any channel. Each one that is seen stays listed here, also after it was filled.'
          : 'No gap matches the filters.'
      }
      file={{ name: 'gaps', columns: FILE }}
      more={{ label: 'Show older gaps', pages: query }}
      label="Gaps table"
      testId="gaps"
      columns={COLUMNS}
      keyOf={({ id }) => id}
    />
  )
}

function Lasted({ gap }: { gap: GapRow }) {
  const eventTimeMs = useEventTime()
  const end = gap.to_ms ?? eventTimeMs
  if (end === null) return null
  const text = span((end - gap.from_ms) / 1_000)
  return gap.to_ms === null ? `${text} so far` : text
}
