import type { ServiceRow, StreamRow, System } from '../../api/client'
import { useSystem } from '../../api/research'
import { NONE, count, percent } from '../../format/numbers'
import { dateTime, span, zoneName } from '../../format/times'
import { CsvButton } from '../../ui/CsvButton'
import { Panel } from '../../ui/Panel'
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

/** The platform itself: who runs, how far behind, what waits in the streams, which versions. */
export function SystemPanels() {
  const query = useSystem()
  const { data } = query
  const troubled = data?.services.filter((row) => row.expected && row.state !== 'ok' && row.state !== 'standby').length
  return (
    <>
      <Panel
        title="Services"
        aside={troubled === undefined ? '' : troubled ? `${troubled} need attention` : 'all well'}
        tools={<CsvButton name="services" columns={SERVICES} rows={data?.services} />}
      >
        <View query={query} lines={8}>
          {({ services }) => <Services rows={services} />}
        </View>
      </Panel>
      <Panel title="Streams" aside="what waits between the services">
        <View
          query={query}
          lines={8}
          empty={({ streams }) => streams.length === 0}
          whyEmpty={data?.streams_note}
        >
          {({ streams, streams_note }) => (
            <>
              <Streams rows={streams} />
              {streams_note ? <p className="key">{streams_note}</p> : null}
            </>
          )}
        </View>
      </Panel>
      <Panel title="Data and versions">
        <View query={query} lines={4}>
          {(found) => <Facts found={found} />}
        </View>
      </Panel>
    </>
  )
}

function Services({ rows }: { rows: readonly ServiceRow[] }) {
  return (
    <div className="scroller" role="region" aria-label="Services table" tabIndex={0}>
      <table className="table" data-testid="system-services">
        <thead>
          <tr>
            <th scope="col">Service</th>
            <th scope="col">State</th>
            <th scope="col" className="is-numeric" title="Each service says every 5 seconds that it lives; after 15 without a word it counts as down.">Last heartbeat</th>
            <th scope="col" className="is-numeric" title="Newest market time known, less how far this service was at its last heartbeat. In a fast replay five seconds are many minutes of market time.">Behind</th>
            <th scope="col" className="is-numeric">Up for</th>
            <th scope="col">What it says</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.service}/${row.instance ?? ''}`}>
              <td>
                <strong>{row.service}</strong>
                {row.instance === null || row.instance === '1' ? null : <small className="below">{row.instance}</small>}
              </td>
              <td>
                <span className={`status is-${row.state}`}>
                  <span className="dot" aria-hidden="true" />
                  {row.state}
                </span>
              </td>
              <td className="is-numeric" title={row.last_heartbeat_ms === null ? undefined : `${dateTime(row.last_heartbeat_ms)} ${zoneName(row.last_heartbeat_ms)}`}>
                {row.age_s === null ? (row.state === 'ok' ? 'connected' : 'never') : `${span(row.age_s)} ago`}
              </td>
              <td className="is-numeric">{row.behind_s === null ? NONE : span(row.behind_s)}</td>
              <td className="is-numeric">{row.uptime_s === null ? NONE : span(row.uptime_s)}</td>
              <td className="is-text">
                {row.note}
                {Object.keys(row.detail).length ? <small className="below is-wrapped">{said(row.detail)}</small> : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const said = (detail: Readonly<Record<string, string>>) =>
  Object.entries(detail)
    .filter(([name, value]) => value && !name.endsWith('_ms'))
    .map(([name, value]) => `${name.replaceAll('_', ' ')}: ${value}`)
    .join(' · ')

function Streams({ rows }: { rows: readonly StreamRow[] }) {
  return (
    <div className="scroller" role="region" aria-label="Streams table" tabIndex={0}>
      <table className="table" data-testid="system-streams">
        <thead>
          <tr>
            <th scope="col">Stream</th>
            <th scope="col" className="is-numeric">Messages</th>
            <th scope="col" className="is-numeric" title="Of the size at which the oldest messages leave.">Size</th>
            <th scope="col">Newest</th>
            <th scope="col">Durable readers: waiting, not yet acknowledged</th>
            <th scope="col" className="is-numeric" title="Readers that come and go: runners, the API, backtests.">Others</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <td>
                <strong>{row.name}</strong>
              </td>
              <td className="is-numeric">{count(row.messages)}</td>
              <td className="is-numeric">
                {bytes(row.bytes)}
                <small className="below">
                  {percent(row.fill_fraction, 1)} of {bytes(row.bytes_limit)}
                </small>
              </td>
              <td className="nowrap">{row.last_ms === null ? 'empty' : `${dateTime(row.last_ms)} ${zoneName(row.last_ms)}`}</td>
              <td>
                {row.consumers.length
                  ? row.consumers.map((reader) => (
                      <span key={reader.name} className="below is-plain">
                        {reader.name}: {count(reader.pending)}, {count(reader.unacknowledged)}
                        {reader.redelivered ? `, ${count(reader.redelivered)} again` : ''}
                      </span>
                    ))
                  : NONE}
              </td>
              <td className="is-numeric">{count(row.readers)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

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
