import { SystemPanels } from '../../features/system/SystemPanels'
import { Page } from '../../ui/Page'

export default function System() {
  return (
    <Page title="System">
      <SystemPanels />
    </Page>
  )
}
