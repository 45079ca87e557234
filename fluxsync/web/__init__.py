"""The HTTP interface of a running service: reads values, sends commands, decides nothing.

server     listens on this machine only, with a few threads: start here
app        what is asked, to what answers it
admission  who may ask: Host, Origin, token; token: the file that holds it
api        the commands, and the status, as JSON; bodies: what may be sent
answers    how an outcome, an error or a refusal is said in HTTP
approval   exactly what was shown as held back
health     one word for a monitor; metrics: figures for Prometheus
"""
