import { useConnection, useEventTime, useSummary } from '../api/queries'
import { dateTime } from '../format/times'
import { link, useRoute } from '../ui/route'
import { setTheme, useTheme } from '../ui/theme'
import type { Theme } from '../ui/theme'

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
      <Views />
      <MarketClock />
      <ConnectionState />
      <ThemeSwitch />
    </header>
  )
}

const VIEWS = [
  { view: '', title: 'Dashboard' },
  { view: 'polymarket', title: 'Polymarket' },
  { view: 'data', title: 'Data quality' },
] as const

function Views() {
  const { view } = useRoute()
  const shown = VIEWS.some((each) => each.view === view) ? view : ''
  return (
    <nav className="views" aria-label="Views">
      {VIEWS.map((each) => (
        <a key={each.view} href={link(each.view)} aria-current={each.view === shown ? 'page' : undefined}>
          {each.title}
        </a>
      ))}
    </nav>
  )
}

function MarketClock() {
  const eventTimeMs = useEventTime()
  return (
    <span className="clock" title="Market time: how far the data has come. In a replay it runs faster than a watch.">
      <span className="label">Market time</span>
      {eventTimeMs === null ? (
        <span>no data yet</span>
      ) : (
        <time dateTime={new Date(eventTimeMs).toISOString()} data-testid="event-time">
          {dateTime(eventTimeMs)} <small>UTC</small>
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
