FROM nginx:bookworm
COPY html /usr/share/nginx/html
EXPOSE 80
USER www-data
