import { useConnection, useEventTime, useSummary } from '../api/queries'
import { dateTime, zoneName } from '../format/times'
import { ZONES, setZone, useZone } from '../format/zone'
import { Choice } from '../ui/Choice'
import { setTheme, useTheme } from '../ui/theme'
import type { Theme } from '../ui/theme'
import { Navigation } from './Navigation'

const NEXT: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' }
const SHOWN: Record<Theme, string> = { system: 'Auto', light: 'Light', dark: 'Dark' }

export function TopBar() {
  const portfolio = useSummary().data?.portfolio
  return (
    <header className="topbar">
      <span className="brand">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M5 22 12 14l5 5L27 8" />
        </svg>
        Paper trading
        {portfolio ? <small>{portfolio}</small> : null}
      </span>
      <Navigation />
      <MarketClock />
      <ConnectionState />
      <ZoneSwitch />
      <ThemeSwitch />
    </header>
  )
}

function MarketClock() {
  const eventTimeMs = useEventTime()
  useZone()
  return (
    <span className="clock" title="Market time: how far the data has come. In a replay it runs faster than a watch.">
      <span className="label">Market time</span>
      {eventTimeMs === null ? (
        <span>no data yet</span>
      ) : (
        <time dateTime={new Date(eventTimeMs).toISOString()} data-testid="event-time">
          {dateTime(eventTimeMs)} <small>{zoneName(eventTimeMs)}</small>
        </time>
      )}
    </span>
  )
}

const STATES = {
  connecting: { word: 'Connecting', look: 'standby' },
  live: { word: 'Live', look: 'ok' },
  waiting: { word: 'Reconnecting', look: 'down' },
} as const

function ConnectionState() {
  const { state } = useConnection()
  const { word, look } = STATES[state]
  return (
    <span className={`status is-${look}`} role="status" data-testid="connection">
      <span className="dot" aria-hidden="true" />
      {word}
    </span>
  )
}

function ZoneSwitch() {
  return <Choice label="Times in" options={ZONES} value={useZone()} onChange={setZone} />
}

function ThemeSwitch() {
  const theme = useTheme()
  return (
    <button
      type="button"
      className="button is-quiet"
      aria-label={`Colours: ${SHOWN[theme]}. Change to ${SHOWN[NEXT[theme]]}.`}
      onClick={() => {
        setTheme(NEXT[theme])
      }}
    >
      {SHOWN[theme]}
    </button>
  )
}
