import type { ReactNode } from 'react'

import { useSummary } from '../api/queries'
import { useLive } from '../api/useLive'
import { ActivityPanel } from '../features/activity/ActivityPanel'
import { EquityPanel } from '../features/equity/EquityPanel'
import { HealthPanel } from '../features/health/HealthPanel'
import { MarketPanel } from '../features/market/MarketPanel'
import { MarketsPanel } from '../features/polymarket/MarketsPanel'
import { PositionsPanel } from '../features/positions/PositionsPanel'
import { CoveragePanel } from '../features/quality/CoveragePanel'
import { GapsPanel } from '../features/quality/GapsPanel'
import { OpenGaps } from '../features/quality/OpenGaps'
import { StrategiesPanel } from '../features/strategies/StrategiesPanel'
import { Headline } from '../features/summary/Headline'
import { useRoute } from '../ui/route'
import { Lost } from './Lost'
import { TopBar } from './TopBar'

export function App() {
  useLive()
  return (
    <>
      <a className="skip" href="#main">
        Skip to the figures
      </a>
      <Notice />
      <TopBar />
      <Lost />
      <OpenGaps />
      <View />
      <footer className="foot">
        <p>Paper trading: no order leaves this machine. All times are market time in UTC.</p>
        <p>
          <a href="/api/docs">API</a> · Candles drawn with <a href="https://www.tradingview.com/">TradingView</a> Lightweight Charts
        </p>
      </footer>
    </>
  )
}

function View() {
  const { view } = useRoute()
  switch (view) {
    case 'data':
      return (
        <Main key={view} title="Data quality">
          <CoveragePanel />
          <GapsPanel />
        </Main>
      )
    case 'polymarket':
      return (
        <Main key={view} title="Polymarket">
          <MarketsPanel />
        </Main>
      )
    default:
      return <Dashboard />
  }
}

function Main({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main id="main" tabIndex={-1}>
      <h1 className="view-title">{title}</h1>
      <div className="stack">{children}</div>
    </main>
  )
}

function Dashboard() {
  return (
    <main id="main" tabIndex={-1}>
      <h1 className="unseen">Paper trading dashboard</h1>
      <Headline />
      <div className="columns">
        <div className="column">
          <EquityPanel />
          <StrategiesPanel />
          <PositionsPanel />
          <HealthPanel />
        </div>
        <div className="column is-side">
          <MarketPanel />
          <ActivityPanel />
        </div>
      </div>
    </main>
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
