import { useSummary } from '../api/queries'
import { useLive } from '../api/useLive'
import { useZone } from '../format/zone'
import { OpenGaps } from '../features/quality/OpenGaps'
import { Tips } from '../ui/Tips'
import { Gate } from './Gate'
import { Lost } from './Lost'
import { Shown } from './Shown'
import { TopBar } from './TopBar'

export function App() {
  return (
    <Gate>
      <Page />
    </Gate>
  )
}

function Page() {
  useLive()
  return (
    <>
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          // The address holds the view: following the link would leave it.
          event.preventDefault()
          document.getElementById('main')?.focus()
        }}
      >
        Skip to the figures
      </a>
      <Notice />
      <TopBar />
      <Lost />
      <OpenGaps />
      <Shown />
      <Foot />
      <Tips />
    </>
  )
}

/** Where the data comes from when it is not live. */
function Notice() {
  const notice = useSummary().data?.data_notice
  if (!notice) return null
  return (
    <aside className="notice" aria-label="About the data" data-testid="notice">
      {notice}
    </aside>
  )
}

function Foot() {
  const zone = useZone()
  return (
    <footer className="foot">
      <p>
        Paper trading: no order leaves this machine. All times are market time
        {zone === 'UTC' ? ' in UTC.' : ', shown by the clock of this computer.'}
      </p>
      <p>
        <a href="/api/docs">API</a> · Candles drawn with <a href="https://www.tradingview.com/">TradingView</a> Lightweight Charts
      </p>
    </footer>
  )
}
