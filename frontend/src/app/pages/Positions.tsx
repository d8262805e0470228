import { PositionsPanel } from '../../features/positions/PositionsPanel'
import { Page } from '../../ui/Page'

export default function Positions() {
  return (
    <Page title="Live positions">
      <PositionsPanel />
    </Page>
  )
}
