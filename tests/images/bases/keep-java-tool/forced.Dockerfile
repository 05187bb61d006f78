FROM eclipse-temurin:21-jdk AS build
WORKDIR /src
COPY App.java .
RUN javac -d out App.java && jar --create --file app.jar --main-class App -C out .

FROM eclipse-temurin:21-jre
COPY --from=build /src/app.jar /app.jar
ENTRYPOINT ["java", "-jar", "/app.jar"]
