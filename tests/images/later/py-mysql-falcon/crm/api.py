import falcon
import MySQLdb


class Customers:
    def on_get(self, request, response):
        try:
            MySQLdb.connect(host="127.0.0.1", port=3306, user="crm", connect_timeout=2)
        except MySQLdb.OperationalError as error:
            response.status = falcon.HTTP_503
            response.media = {"code": error.args[0]}


class Health:
    def on_get(self, request, response):
        response.media = {"driver": MySQLdb.__version__}


app = falcon.App()
app.add_route("/customers", Customers())
app.add_route("/health", Health())
