import { PositionsPanel } from '../../features/positions/PositionsPanel'
import { RiskPanel } from '../../features/positions/RiskPanel'
import { Page } from '../../ui/Page'

export default function Positions() {
  return (
    <Page title="Live positions">
      <PositionsPanel />
      <RiskPanel />
    </Page>
  )
}
