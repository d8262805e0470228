import type { ServiceRow, StreamRow, System } from '../../api/client'
import { useSystem } from '../../api/research'
import { NONE, count, percent } from '../../format/numbers'
import { dateTime, span, zoneName } from '../../format/times'
import { ListPanel } from '../../ui/ListPanel'
import { Panel } from '../../ui/Panel'
import { Status } from '../../ui/Status'
import type { Column } from '../../ui/Table'
import { View } from '../../ui/View'
import { bytes } from './bytes'

const SERVICES = [
  { name: 'service', value: (row: ServiceRow) => row.service },
  { name: 'instance', value: (row: ServiceRow) => row.instance },
  { name: 'state', value: (row: ServiceRow) => row.state },
  { name: 'last_heartbeat_ms', value: (row: ServiceRow) => row.last_heartbeat_ms },
  { name: 'behind_s', value: (row: ServiceRow) => row.behind_s },
  { name: 'uptime_s', value: (row: ServiceRow) => row.uptime_s },
  { name: 'note', value: (row: ServiceRow) => row.note },
]

const STREAMS = [
  { name: 'stream', value: (row: StreamRow) => row.name },
  { name: 'messages', value: (row: StreamRow) => row.messages },
  { name: 'bytes', value: (row: StreamRow) => row.bytes },
  { name: 'bytes_limit', value: (row: StreamRow) => row.bytes_limit },
  { name: 'last_ms', value: (row: StreamRow) => row.last_ms },
  { name: 'readers', value: (row: StreamRow) => row.readers },
]

const SERVICE_COLUMNS: readonly Column<ServiceRow>[] = [
  {
    head: 'Service',
    cell: (row) => (
      <>
        <strong className="nowrap">{row.service}</strong>
        {row.instance === null || row.instance === '1' ? null : <small className="below">{row.instance}</small>}
      </>
    ),
  },
  { head: 'State', cell: ({ state }) => <Status look={state}>{state}</Status> },
  {
    head: 'Last heartbeat',
    metric: 'age_s',
    numeric: true,
    cell: (row) => (
      <span title={row.last_heartbeat_ms === null ? undefined : `${dateTime(row.last_heartbeat_ms)} ${zoneName(row.last_heartbeat_ms)}`}>
        {row.age_s === null ? (row.state === 'ok' ? 'connected' : 'never') : `${span(row.age_s)} ago`}
      </span>
    ),
  },
  {
    head: 'Behind',
    metric: 'behind_s',
    note: 'In a fast replay five seconds are many minutes of market time.',
    numeric: true,
    cell: (row) => (row.behind_s === null ? NONE : span(row.behind_s)),
  },
  { head: 'Up for', numeric: true, cell: (row) => (row.uptime_s === null ? NONE : span(row.uptime_s)) },
  {
    head: 'What it says',
    wrap: 'text',
    cell: (row) => (
      <>
        {row.note}
        {Object.keys(row.detail).length ? <small className="below is-wrapped">{said(row.detail)}</small> : null}
      </>
    ),
  },
]

const STREAM_COLUMNS: readonly Column<StreamRow>[] = [
  { head: 'Stream', cell: ({ name }) => <strong>{name}</strong> },
  { head: 'Messages', numeric: true, cell: ({ messages }) => count(messages) },
  {
    head: 'Size',
    metric: 'fill_fraction',
    numeric: true,
    cell: (row) => (
      <>
        {bytes(row.bytes)}
        <small className="below">
          {percent(row.fill_fraction, 1)} of {bytes(row.bytes_limit)}
        </small>
      </>
    ),
  },
  {
    head: 'Newest',
    wrap: 'nowrap',
    cell: ({ last_ms }) => (last_ms === null ? 'empty' : `${dateTime(last_ms)} ${zoneName(last_ms)}`),
  },
  {
    head: 'Durable readers: waiting, not yet acknowledged',
    cell: ({ consumers }) =>
      consumers.length
        ? consumers.map((reader) => (
            <span key={reader.name} className="below is-plain">
              {reader.name}: {count(reader.pending)}, {count(reader.unacknowledged)}
              {reader.redelivered ? `, ${count(reader.redelivered)} again` : ''}
            </span>
          ))
        : NONE,
  },
  {
    head: 'Others',
    note: 'Readers that come and go: runners, the API, backtests.',
    numeric: true,
    cell: ({ readers }) => count(readers),
  },
]

/** The platform itself: who runs, how far behind, what waits in the streams, which versions. */
export function SystemPanels() {
  const query = useSystem()
  const { data } = query
  const troubled = data?.services.filter((row) => row.expected && row.state !== 'ok' && row.state !== 'standby').length
  return (
    <>
      <ListPanel
        title="Services"
        aside={troubled === undefined ? '' : troubled ? `${troubled} need attention` : 'all well'}
        query={query}
        rows={data?.services}
        lines={8}
        whyEmpty="No service has been heard of yet."
        file={{ name: 'services', columns: SERVICES }}
        label="Services table"
        testId="system-services"
        columns={SERVICE_COLUMNS}
        keyOf={(row) => `${row.service}/${row.instance ?? ''}`}
      />
      <ListPanel
        title="Streams"
        aside="what waits between the services"
        query={query}
        rows={data?.streams}
        lines={8}
        whyEmpty={data?.streams_note}
        file={{ name: 'streams', columns: STREAMS }}
        label="Streams table"
        testId="system-streams"
        columns={STREAM_COLUMNS}
        keyOf={({ name }) => name}
      >
        {data?.streams.length && data.streams_note ? <p className="key">{data.streams_note}</p> : null}
      </ListPanel>
      <Panel title="Data and versions">
        <View query={query} lines={4}>
          {(found) => <Facts found={found} />}
        </View>
      </Panel>
    </>
  )
}

const said = (detail: Readonly<Record<string, string>>) =>
  Object.entries(detail)
    .filter(([name, value]) => value && !name.endsWith('_ms'))
    .map(([name, value]) => `${name.replaceAll('_', ' ')}: ${value}`)
    .join(' · ')

function Facts({ found: { watermarks, versions, dead_letters, database_bytes, event_time_ms } }: { found: System }) {
  const facts = [
    ['Market time', event_time_ms === null ? 'no data yet' : `${dateTime(event_time_ms)} ${zoneName(event_time_ms)}`],
    ...watermarks.map(({ exchange, stream, watermark_ms }) => [
      `${exchange} ${stream.toLowerCase()} complete to`,
      `${dateTime(watermark_ms)} ${zoneName(watermark_ms)}`,
    ]),
    ['Messages that could not be used', dead_letters === null ? 'not known now' : count(dead_letters)],
    ['Database', database_bytes === null ? 'away' : bytes(database_bytes)],
    ['Platform', versions.platform],
    ['Python', versions.python],
    ['NATS', versions.nats ?? 'away'],
    ['PostgreSQL', versions.postgres ?? 'away'],
  ] as const
  return (
    <dl className="facts" data-testid="system-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
