/** The API's own description, asked for with the token that the dashboard was given in this tab. */
const token = sessionStorage.getItem('read-token')

/** Whoever has no token yet is told where to enter it. */
function explain() {
  const note = document.createElement('p')
  const page = Object.assign(document.createElement('a'), { href: '/', textContent: 'dashboard' })
  note.append('Reading needs a token: enter it on the ', page, ', then come back in the same tab.')
  note.style.cssText = 'font: 1rem system-ui, sans-serif; margin: 3rem auto; max-inline-size: 40rem; padding-inline: 1rem'
  document.getElementById('docs').replaceChildren(note)
}

window.addEventListener('load', () => {
  window.SwaggerUIBundle({
    url: '/api/openapi.json',
    dom_id: '#docs',
    deepLinking: true,
    requestInterceptor: (request) => {
      if (token && !request.headers.Authorization) request.headers.Authorization = `Bearer ${token}`
      return request
    },
    responseInterceptor: (response) => {
      if (response.status === 401 && new URL(response.url, location.href).pathname === '/api/openapi.json') explain()
      return response
    },
  })
})
