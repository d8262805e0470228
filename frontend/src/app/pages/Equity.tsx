import { EquityView } from '../../features/equity/EquityView'
import { Page } from '../../ui/Page'

export default function Equity() {
  return (
    <Page title="Equity">
      <EquityView />
    </Page>
  )
}
