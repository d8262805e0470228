import { ActivityPanel } from '../../features/activity/ActivityPanel'
import { EquityPanel } from '../../features/equity/EquityPanel'
import { HealthPanel } from '../../features/health/HealthPanel'
import { MarketPanel } from '../../features/market/MarketPanel'
import { PositionsPanel } from '../../features/positions/PositionsPanel'
import { StrategiesPanel } from '../../features/strategies/StrategiesPanel'
import { Headline } from '../../features/summary/Headline'
import { Page } from '../../ui/Page'

export default function Dashboard() {
  return (
    <Page title="Paper trading dashboard" quiet>
      <Headline />
      <div className="dashboard">
        <EquityPanel />
        <MarketPanel />
        <StrategiesPanel />
        <PositionsPanel />
        <ActivityPanel />
        <HealthPanel />
      </div>
    </Page>
  )
}
