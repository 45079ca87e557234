"""A Fluxiom-compatible server, written from the published API documents alone.

It imports nothing else of this project, so that it can contradict the client.

server      starts and stops it: `Sandbox` for Python, `run` for the command line
app         the URLs; routes_assets, routes_tags, routes_account: one function for each documented call
auth        HTTP Basic, and who may do what
form        request parameters: query, form fields and uploaded file; multipart, disposition: their syntax
formats     which of XML, JSON and JSONP a request wants
render      the interface of the two renderers; render_xml, render_json: values to text
store       the whole account behind one Python interface
assets, tags, users, uploads    its tables; database, schema: SQLite below them
blobs       the content files
metadata    what is said about a file's content; thumbnails: its small picture
seed        a sample library
model       the values that all of them pass around; account: plan, quota, branding
moments     how times are written; request_log: what was asked

Facts carry their source: [000] the JSON reference, [001] the announcement of May 2007, [002] the API page of
about 2010 with XML and JSON side by side, [web-api] the "Get Account Info" page, [web-perm] the help page on
users and permissions. "Our reading" marks what no document says.
"""
