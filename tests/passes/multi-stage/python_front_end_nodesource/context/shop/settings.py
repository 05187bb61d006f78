STATICFILES_DIRS = ['assets']
STATIC_ROOT = '/srv/static'
