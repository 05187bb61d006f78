import pyximport

pyximport.install()
import fast
