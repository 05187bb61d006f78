console.log("checked");
